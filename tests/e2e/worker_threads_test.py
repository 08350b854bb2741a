#!/usr/bin/env python3
"""Each worker thread is a loop of its own, with its own phases and stalls."""

import json
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.polling import wait_until
from harness.stalls import LoopFigures, growth

MILLISECONDS = 150
TIMES = 4
# Worker number and the phase its loop is blocked in; 0 is the main thread.
PLAN = ((1, "timers"), (2, "check"), (0, "closing"), (1, "poll"), (2, "pending"))


class WorkerThreadsTest(EndToEndCase):
    def check_variant(self, variant):
        target = self.node(variant, "worker_threads.js")
        target.ask("start 2")
        loopscope = self.loopscope("--pid", target.pid)
        names = ["main", "worker-1", "worker-2"]

        def loop_names():
            return sorted(loop["loop"] for loop in loopscope.loops(target.pid))

        # V8's DelayedTaskScheduler runs uv_run too and is no loop of the program.
        wait_until(lambda: loop_names() == names, 20, f"{names}, found {loop_names()}")
        for name in names:
            loopscope.wait_for_loop(target.pid, loop=name, source="uv_stack")

        def figures():
            metrics = loopscope.scrape()
            return {name: LoopFigures(metrics, target.pid, name) for name in names}

        # Which number a worker got is Loopscope's choice; the first stalls tell.
        name_of = {0: "main"}
        for who, phase in PLAN:
            before = figures()
            answer = target.ask(f"block {who} {phase} {MILLISECONDS} {TIMES}")
            true_seconds = json.loads(answer.group(0))["ns"] / 1e9

            def settled():
                return all(loop.blocked == 0 for loop in figures().values())

            wait_until(settled, 5, "all loops waiting")
            after = figures()
            counted = {
                name: growth(before[name].stalls, after[name].stalls)
                for name in names
                if growth(before[name].stalls, after[name].stalls)
            }
            self.assertEqual(len(counted), 1, f"one loop stalled, not {counted}")
            (name, phases), = counted.items()
            self.assertEqual(name_of.setdefault(who, name), name, "a worker keeps its name")
            self.assertEqual(phases, {phase: TIMES}, f"node {variant}, {name}")
            seconds = growth(before[name].stall_seconds, after[name].stall_seconds)
            self.assert_close(
                sum(seconds.values()), true_seconds, f"stall seconds of {name}", relative=0.05
            )
        self.assertEqual(len(set(name_of.values())), 3, name_of)
        self.assertEqual(loop_names(), names, "still no loop but these")
        loopscope.kill()
        target.kill()

    def test_every_node(self):
        for variant in (*env.NODE_MAJORS, "22-stripped", "debian"):
            with self.subTest(variant=variant):
                self.check_variant(variant)


if __name__ == "__main__":
    unittest.main(verbosity=2)
