#!/usr/bin/env python3
"""Why a loop was blocked: each reason is the cause of its stall, with the right seconds.

The truth is the workload's own account: its clock, the kernel's schedstat of its thread
and V8's gc events; for stops it is the clock of this test.
"""

import json
import os
import signal
import sys
import time
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.cgroups import ControlGroup, freezer_versions
from harness.polling import wait_until

RELATIVE = 0.10
SECONDS = 1.0


class CausesTest(EndToEndCase):
    variant = "22"

    def start(self, group=None):
        """The workload, in a group if one is given, and Loopscope watching it."""
        target = self.node(self.variant, "causes.js")
        if group is not None:
            self.addCleanup(group.remove)
            self.addCleanup(target.kill)
            group.add(target.pid)
        loopscope = self.loopscope("--pid", target.pid)
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        return target, loopscope

    @staticmethod
    def last_id(loopscope):
        records = loopscope.json("/api/v1/stalls?limit=1")
        return records[0]["id"] if records else 0

    def ended_stall(self, loopscope, pid, after, at_least=SECONDS / 2):
        """The one long stall of the process that began after the record `after`."""

        def found():
            records = loopscope.json("/api/v1/stalls?limit=100")
            long = [
                record
                for record in records
                if record["id"] > after
                and record["pid"] == pid
                and not record["in_progress"]
                and record["duration_seconds"] >= at_least
            ]
            return long or None

        records = wait_until(found, 10, "record of the stall")
        self.assertEqual(len(records), 1, records)
        return records[0]

    def blocked_by(self, target, loopscope, command, meanwhile=lambda: None):
        """Runs a command; its stall's record and the workload's account of it."""
        after = self.last_id(loopscope)
        start = len(target.lines())
        target.send(command)
        meanwhile()
        truth = json.loads(target.wait_line(r"^\{.*\}$", start=start).group(0))
        record = self.ended_stall(loopscope, target.pid, after)
        print(f"node {self.variant}, {command.split()[0]}: {truth}", record["causes"])
        return record, truth

    def assert_cause(self, record, cause, seconds):
        self.assertEqual(record["cause"], cause, record["causes"])
        self.assert_close(record["causes"][cause], seconds, f"seconds of {cause}", RELATIVE)

    def test_spin(self):
        target, loopscope = self.start()
        record, truth = self.blocked_by(target, loopscope, f"spin {SECONDS}")
        self.assert_cause(record, "cpu", truth["run"])

    def test_sleeping_in_a_call(self):
        target, loopscope = self.start()
        for command in ("execSync", "atomicsWait"):
            with self.subTest(command):
                record, truth = self.blocked_by(target, loopscope, f"{command} {SECONDS}")
                asleep = truth["seconds"] - truth["run"] - truth["wait"]
                self.assert_cause(record, "blocked", asleep)

    def test_fifo(self):
        target, loopscope = self.start()
        path = self.temporary_directory() / "fifo"
        os.mkfifo(path)

        def write_late():
            loopscope.wait_metrics(
                lambda m: m.value("eventloop_blocked_seconds", pid=target.pid) > SECONDS,
                10,
                "a loop blocked by the FIFO",
            )
            path.write_text("late\n")

        record, truth = self.blocked_by(target, loopscope, f"fifo {path}", write_late)
        self.assert_cause(record, "blocked", truth["seconds"] - truth["run"] - truth["wait"])

    def test_crowded_cpu(self):
        """The target and three hogs on one CPU."""
        target, loopscope = self.start()
        cpu = {max(os.sched_getaffinity(0))}
        for _ in range(3):
            hog = self.spawn(sys.executable, "-c", "print('ready', flush=True)\nwhile True: pass")
            hog.wait_line("^ready")
            os.sched_setaffinity(hog.pid, cpu)
        for tid in os.listdir(f"/proc/{target.pid}/task"):
            os.sched_setaffinity(int(tid), cpu)
        record, truth = self.blocked_by(target, loopscope, f"spin {2 * SECONDS}")
        self.assert_cause(record, "starved", truth["wait"])
        self.assert_close(record["causes"]["cpu"], truth["run"], "seconds of cpu", RELATIVE)

    def test_cpu_quota(self):
        """10 ms of CPU in every 50 ms."""
        group = ControlGroup("cpu")
        target, loopscope = self.start(group)
        group.limit_cpu(10_000, 50_000)
        record, truth = self.blocked_by(target, loopscope, f"spin {2 * SECONDS}")
        self.assert_cause(record, "starved", truth["wait"])
        self.assert_close(record["causes"]["cpu"], truth["run"], "seconds of cpu", RELATIVE)

    def check_stopped(self, target, loopscope, stop, resume):
        """Stopped for a known time, once while it computes and once while it waits."""

        def stop_for_a_while():
            loopscope.wait_metrics(
                lambda m: m.value("eventloop_blocked_seconds", pid=target.pid) > 0.1,
                10,
                "busy loop",
            )
            stopped.append(self.stopped_for(SECONDS, stop, resume))

        stopped = []
        record, truth = self.blocked_by(
            target, loopscope, f"spin {1.5 * SECONDS}", stop_for_a_while
        )
        print(f"stopped for {stopped[0]:.4f} s while it computed")
        self.assert_cause(record, "stopped", stopped[0])
        self.assert_close(record["causes"]["cpu"], truth["run"], "seconds of cpu", RELATIVE)

        after = self.last_id(loopscope)
        seconds = self.stopped_for(SECONDS, stop, resume)
        record = self.ended_stall(loopscope, target.pid, after)
        print(f"stopped for {seconds:.4f} s while it waited", record["causes"])
        self.assert_cause(record, "stopped", seconds)

    @staticmethod
    def stopped_for(seconds, stop, resume):
        """Stops the target for about `seconds`; the seconds that it really was stopped."""
        stop()
        begin = time.monotonic()
        time.sleep(seconds)
        resume()
        return time.monotonic() - begin

    def test_sigstop(self):
        target, loopscope = self.start()
        self.check_stopped(
            target,
            loopscope,
            lambda: target.signal(signal.SIGSTOP),
            lambda: target.signal(signal.SIGCONT),
        )

    def test_frozen_cgroup(self):
        for version in freezer_versions():
            with self.subTest(cgroup_version=version):
                group = ControlGroup("freezer", version)
                target, loopscope = self.start(group)
                self.addCleanup(group.thaw)
                self.check_stopped(target, loopscope, group.freeze, group.thaw)

    def test_garbage_collection(self):
        target, loopscope = self.start()
        record, truth = self.blocked_by(target, loopscope, f"gcStorm {2 * SECONDS}")
        share = truth["gc"] / truth["seconds"]
        self.assertGreater(share, 0.8, "the storm is one")
        # The loop's thread waits for helper threads, and with few CPUs for the CPUs that
        # these are on: all of that is the collection's.
        self.assert_cause(record, "gc", truth["gc"])

    def test_gc_seconds_are_those_of_v8(self):
        target = self.node(self.variant, "causes.js")
        loopscope = self.loopscope("--pid", target.pid)
        loopscope.wait_for_loop(target.pid)
        self.blocked_by(target, loopscope, f"spin {SECONDS}")  # to find the isolate
        for command in (f"allocate {SECONDS}", f"allocate {1.5 * SECONDS}"):
            record, truth = self.blocked_by(target, loopscope, command)
            said = record["causes"]["gc"]
            print(f"node {self.variant}, {command}: gc {said:.4f} s, V8 {truth['gc']:.4f} s")
            self.assertGreater(truth["gc"], 0.02, "it collects")
            self.assert_close(said, truth["gc"], f"gc of {command}", relative=0.03, absolute=0.006)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in env.NODE_VARIANTS:
        CausesTest.variant = sys.argv.pop(1)
    unittest.main(verbosity=2)
