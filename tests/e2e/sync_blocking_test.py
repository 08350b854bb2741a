#!/usr/bin/env python3
"""A loop asleep in a synchronous call is blocked, not waiting."""

import json
import os
import time
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.stalls import LoopFigures, growth

SECONDS = 0.7


class SyncBlockingTest(EndToEndCase):
    def check(self, variant, target, loopscope, command, while_blocked=lambda: None):
        def figures(metrics=None):
            return LoopFigures(metrics or loopscope.scrape(), target.pid)

        what = f"node {variant}, {command.split()[0]}"
        begin = time.monotonic()
        before = figures()
        start = len(target.lines())
        target.send(command)
        loopscope.wait_metrics(
            lambda m: figures(m).blocked > SECONDS / 2, 10, f"growing block ({what})"
        )
        while_blocked()
        answer = target.wait_line(r"^\{.*\}$", start=start)
        true_seconds = json.loads(answer.group(0))["seconds"]
        after = figures(
            loopscope.wait_metrics(lambda m: figures(m).blocked == 0, 5, f"end ({what})")
        )
        elapsed = time.monotonic() - begin

        counted = growth(before.stalls, after.stalls)
        seconds = sum(growth(before.stall_seconds, after.stall_seconds).values())
        causes = growth(before.stalls_by_cause, after.stalls_by_cause)
        self.assertEqual(counted, {"timers": 1}, what)
        self.assert_close(seconds, true_seconds, f"stall seconds, {what}", 0.03, 0.02)
        self.assertEqual(causes, {"blocked": 1}, what)
        idle = growth(before.states, after.states).get("idle", 0.0)
        self.assertLess(idle, elapsed - true_seconds + 0.05, f"{what}: blocked is not idle")

    def check_variant(self, variant):
        target = self.node(variant, "sync_blockers.js")
        loopscope = self.loopscope("--pid", target.pid)
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        for command in ("execSync", "spawnSync", "atomicsWait"):
            with self.subTest(variant=variant, command=command):
                self.check(variant, target, loopscope, f"{command} {SECONDS}")
        with self.subTest(variant=variant, command="fifo"):
            path = self.temporary_directory() / "fifo"
            os.mkfifo(path)

            def write():
                with open(path, "w", encoding="ascii") as fifo:
                    fifo.write("late\n")

            self.check(variant, target, loopscope, f"fifo {path}", write)
        loopscope.kill()
        target.kill()

    def test_every_node(self):
        for variant in env.NODE_MAJORS:
            self.check_variant(variant)


if __name__ == "__main__":
    unittest.main(verbosity=2)
