#!/usr/bin/env python3
"""Who blocks is told while it lasts, after the target's end, in the log and by `stack`.

    culprit_live_test.py [--all]     every kind of blocking on every Node, not half of them
"""

import json
import subprocess
import sys
import time
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.culprit_matrix import without_nulls
from harness.culprits import start_culprits
from harness.polling import wait_until

NODE = "22"
STALL_MS = 3000
THRESHOLD = 0.05
NAMED_WITHIN = 0.2  # of the threshold
POLL = 0.01
LIVE_KINDS = ("hot_loop", "deep_recursion", "pbkdf2", "json_parse", "fifo_read", "exec_sync")
ALL_KINDS = False
SECRET = "hunter2Tr0ub4dor"


class CulpritLiveTest(EndToEndCase):
    def start(self, *arguments, variant=NODE):
        target = start_culprits(self, variant)
        loopscope = self.loopscope("--pid", target.pid, *arguments)
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        return target, loopscope

    @staticmethod
    def newest(loopscope):
        records = loopscope.json("/api/v1/stalls?limit=1")
        return without_nulls(records[0]) if records else None

    def wait_named(self, loopscope, kind, timeout=2, in_progress=None):
        """The newest record, once it names what `kind` runs."""

        def named():
            record = self.newest(loopscope)
            right = record and kind.accepts_function(record)
            return record if right and in_progress in (None, record["in_progress"]) else None

        return wait_until(named, timeout, f"record of {kind.right}", interval=POLL)

    def wait_waiting(self, target, loopscope):
        loopscope.wait_metrics(
            lambda m: m.value("eventloop_blocked_seconds", pid=target.pid, loop="main") == 0,
            10,
            "waiting loop",
        )

    def test_named_while_it_lasts(self):
        for index, variant in enumerate(env.NODE_MAJORS):
            target, loopscope = self.start(variant=variant)
            for name in LIVE_KINDS if ALL_KINDS else LIVE_KINDS[index % 2 :: 2]:
                with self.subTest(variant=variant, kind=name):
                    begin = target.start(name, STALL_MS)
                    record = self.wait_named(loopscope, target.kinds[name], in_progress=True)
                    late = time.time() - begin - THRESHOLD
                    print(f"node {variant}, {name}: named {late * 1000:.0f} ms after the"
                          f" threshold, stall then {record['duration_seconds']:.3f} s")
                    self.assertLess(late, NAMED_WITHIN)
                    target.child.wait_line(rf'^\{{"kind":"{name}"', timeout=30)
                    ended = wait_until(
                        lambda: not self.newest(loopscope)["in_progress"]
                        and self.newest(loopscope),
                        5,
                        "end of the stall",
                    )
                    self.assertEqual(ended["id"], record["id"], "one stall, one record")
                    self.assertTrue(target.kinds[name].accepts_function(ended), ended)
                    self.wait_waiting(target, loopscope)
            loopscope.kill()
            target.child.kill()

    def test_record_survives_the_target_and_is_in_the_stall_log(self):
        log = self.temporary_directory() / "stalls.jsonl"
        target, loopscope = self.start("--stall-log", log)
        target.run("hot_loop", 1, 200, 200)
        kind = target.kinds["hot_loop"]
        before = self.wait_named(loopscope, kind, in_progress=False)
        target.child.kill()
        wait_until(lambda: not loopscope.loops(target.pid), 10, "end of the target's series")
        after = self.newest(loopscope)
        self.assertEqual(after, before, "the record of a target that is gone")

        def logged():
            lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
            records = [without_nulls(json.loads(line)) for line in lines]
            return [r for r in records if kind.accepts_function(r)]

        (record,) = wait_until(logged, 5, "line in the stall log")
        self.assertTrue(kind.accepts_line(record), record)
        self.assertEqual(record["pid"], target.pid)
        self.assert_close(record["duration_seconds"], before["duration_seconds"], "seconds", 0.001)

    def test_target_killed_in_the_middle_of_a_stall(self):
        target, loopscope = self.start()
        target.start("hot_loop", STALL_MS)
        self.wait_named(loopscope, target.kinds["hot_loop"], in_progress=True)
        target.child.kill()
        record = self.wait_named(
            loopscope, target.kinds["hot_loop"], timeout=10, in_progress=False
        )
        self.assertLess(record["duration_seconds"], STALL_MS / 1000)
        self.assertTrue(loopscope.running())

    def stack_of(self, pid):
        shown = subprocess.run(
            [env.loopscope(), "stack", str(pid)],
            capture_output=True, text=True, timeout=10, check=False,
        )
        self.assertEqual(shown.returncode, 0, shown.stdout + shown.stderr)
        return shown.stdout

    def test_stack_command(self):
        target = start_culprits(self, NODE)
        for name in ("hot_loop", "fifo_read", "pbkdf2", "wasm"):
            with self.subTest(kind=name):
                target.start(name, STALL_MS)
                text = self.stack_of(target.pid)
                (place,) = target.kinds[name].right
                frames = [line for line in text.splitlines() if line.startswith("  ")]
                lines = [line for line in frames if place["function"] in line]
                self.assertEqual(len(lines), 1, text)
                self.assertIn(place["file"], lines[0])
                target.child.wait_line(rf'^\{{"kind":"{name}"', timeout=30)
        idle = self.stack_of(target.pid)
        self.assertRegex(idle, r"(?i)wait")
        self.assertNotIn("culprits", idle, "an idle loop has no culprit")

    def test_no_stacks(self):
        target, loopscope = self.start("--no-stacks")
        target.run("hot_loop", 2, 200, 200)
        records = wait_until(
            lambda: len(loopscope.json("/api/v1/stalls?limit=10")) >= 2
            and loopscope.json("/api/v1/stalls?limit=10"),
            5,
            "two records",
        )
        for record in map(without_nulls, records):
            self.assertEqual((record["function"], record["file"], record["stack"]), ("", "", []))
        metrics = loopscope.scrape()
        self.assertEqual(metrics.sum("loopscope_stack_captures_total"), 0)
        self.assertEqual(metrics.sum("loopscope_stack_stop_seconds_count"), 0)

    def test_doctor_tells_the_ways(self):
        target = start_culprits(self, NODE)
        doctor = subprocess.run(
            [env.loopscope(), "doctor", "--pid", str(target.pid)],
            capture_output=True, text=True, timeout=30, check=False,
        )
        self.assertEqual(doctor.returncode, 0, doctor.stdout + doctor.stderr)
        for way in ("perf", "sleeping", "ptrace"):
            self.assertIn(way, doctor.stdout)

    def test_secrets_stay_where_they_are(self):
        directory = self.temporary_directory()
        log = directory / "stalls.jsonl"
        config = directory / "loopscope.yaml"
        target = self.node(NODE, "secrets.js")
        config.write_text(
            f"log_level: debug\ntargets:\n  - {{pid: {target.pid}}}\n", encoding="utf-8"
        )
        loopscope = self.loopscope("--config", config, "--stall-log", log)
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        kinds = ("arguments", "native", "json", "regex", "eval", "function")
        shown = []
        for kind in kinds:
            start = len(target.lines())
            target.send(f"run {kind} 300 {SECRET}")
            loopscope.wait_metrics(
                lambda m: m.value("eventloop_blocked_seconds", pid=target.pid, loop="main") > 0.1,
                5,
                "block",
            )
            shown.append(self.stack_of(target.pid))
            target.wait_line(r"^\{", start=start)
            self.wait_waiting(target, loopscope)
        wait_until(
            lambda: len(loopscope.json("/api/v1/stalls?limit=100")) >= len(kinds), 5, "records"
        )
        loopscope.wait_metrics(
            lambda m: m.sum("loopscope_stack_captures_total") >= len(kinds), 5, "captures"
        )
        shown += [
            loopscope.http.get("/api/v1/stalls?limit=100").text,
            loopscope.http.get("/api/v1/loops").text,
            loopscope.http.get("/metrics").text,
        ]
        self.assertEqual(loopscope.stop(), 0)
        shown += [loopscope.text("stderr"), loopscope.text("stdout"), log.read_text("utf-8")]
        self.assertIn("checkSession", log.read_text("utf-8"), "the stacks were read")
        for text in shown:
            self.assertNotIn(SECRET, text)


if __name__ == "__main__":
    if "--all" in sys.argv:
        sys.argv.remove("--all")
        ALL_KINDS = True
    unittest.main(verbosity=2)
