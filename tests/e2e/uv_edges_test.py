#!/usr/bin/env python3
"""libuv loops in unusual places: work outside uv_run, a synchronous child before the first
turn, the inspector's thread, timers that are late because a timer runs."""

import sys
import time
import unittest

from harness import env
from harness.build import compile_program
from harness.case import EndToEndCase
from harness.polling import wait_until
from harness.stalls import LoopFigures

COUNT = 3


class UvEdgesTest(EndToEndCase):
    def test_work_outside_uv_run_is_a_stall(self):
        program = compile_program(
            self.temporary_directory(), "outside_uv_run.c", "-O1", packages=["libuv"])
        target = self.spawn(program, COUNT, 600)
        target.wait_line("^ready")
        scope = self.loopscope("--pid", target.pid)
        scope.wait_for_loop(target.pid, source="uv_stack", timeout=3)
        target.wait_line("^done")
        truth = [float(x.split()[1]) for x in target.lines() if x.startswith("block")]
        wait_until(lambda: LoopFigures(scope.scrape(), target.pid).blocked == 0, 5, "idle loop")
        figures = LoopFigures(scope.scrape(), target.pid)
        print(f"truth {truth}; stalls {figures.stalls}, seconds {figures.stall_seconds},"
              f" active {figures.states['active']:.2f}, lag max {figures.lag_max:.3f}")
        self.assertEqual({k: v for k, v in figures.stalls.items() if v}, {"unknown": COUNT})
        self.assert_close(figures.stall_seconds["unknown"], sum(truth), "seconds", absolute=0.1)
        self.assert_close(figures.states["active"], sum(truth), "active", absolute=0.15)
        self.assert_close(figures.lag_max, max(truth), "lag max", absolute=0.05)
        stalls = scope.json("/api/v1/stalls?limit=10")
        self.assertEqual([stall["function"] for stall in stalls], ["redraw"] * COUNT)

    def early_exec(self, variant):
        target = self.spawn(env.node(variant), env.WORKLOADS / "early_exec.js")
        scope = self.loopscope("--pid", target.pid)
        while not target.lines():
            self.assertTrue(target.running())
            seen = scope.loops(target.pid)
            # It may start between the two looks.
            self.assertTrue(not seen or target.lines(), seen)
            time.sleep(0.05)
        scope.wait_for_loop(target.pid, source="uv_stack")

    def test_a_synchronous_child_before_the_first_turn_is_no_loop(self):
        for variant in ("18", "22-stripped", "26"):
            with self.subTest(variant):
                self.early_exec(variant)

    def test_the_inspector_is_no_worker(self):
        for variant in ("18", "22", "26"):
            with self.subTest(variant):
                target = self.spawn(env.node(variant), "--inspect=127.0.0.1:0",
                                    env.WORKLOADS / "two_workers.js")
                target.wait_line("^ready")
                scope = self.loopscope("--pid", target.pid)
                scope.wait_for_loop(target.pid, loop="worker-2")
                time.sleep(1.5)  # threads that were no loop yet are looked at again
                names = sorted(labels["loop"] for labels in scope.loops(target.pid))
                self.assertEqual(names, ["main", "worker-1", "worker-2"])

    def late_timers(self, variant):
        target = self.node(variant, "late_timers.js")
        scope = self.loopscope("--pid", target.pid)
        scope.wait_for_loop(target.pid, source="uv_stack")
        target.send("go")
        begin = time.monotonic()
        seen = []
        while time.monotonic() - begin < 1.6:
            metrics = scope.scrape()
            wanted = {"pid": target.pid, "loop": "main"}
            blocked = metrics.value("eventloop_blocked_seconds", **wanted)
            late = metrics.value("eventloop_timer_lateness_seconds", **wanted)
            if 0.1 < blocked < 1.15:
                seen.append((blocked, late))
            time.sleep(0.05)
        print(variant, [(round(b, 2), round(x, 2)) for b, x in seen])
        self.assertGreater(len(seen), 5)
        for blocked, late in seen:
            # The timer that runs was due when it began, give or take a look.
            self.assert_close(late, blocked, "lateness", absolute=0.08)

    def test_timers_behind_a_timer_that_runs_are_late(self):
        for variant in ("18", "20", "22", "24", "26"):
            with self.subTest(variant):
                self.late_timers(variant)


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=[sys.argv[0], *sys.argv[1:]])
