#!/usr/bin/env python3
"""Twenty loops that are blocked at once, on few CPUs: each stall has its own function's name.

On a machine that does much else a thread may hardly run meanwhile, and then has none."""

import unittest

from harness.case import EndToEndCase
from harness.polling import wait_until

NODE = "22"
WORKERS = 19
MILLISECONDS = 1500
ROUNDS = 4


class ManyBlockedTest(EndToEndCase):
    def test_each_is_named_with_its_own_function(self):
        target = self.node(NODE, "many_blocked.js", WORKERS)
        loopscope = self.loopscope("--pid", target.pid)
        wait_until(
            lambda: len(loopscope.loops(target.pid)) == WORKERS + 1, 20, "all loops are found"
        )
        names = {"blockMain"} | {f"blockWorker{i + 1}" for i in range(WORKERS)}
        function_of = {}  # by loop: a worker keeps its loop's name
        for _ in range(ROUNDS):
            after = max((stall["id"] for stall in self.stalls(loopscope)), default=0)
            target.ask(f"block {MILLISECONDS}")

            def ended():
                new = [stall for stall in self.stalls(loopscope) if stall["id"] > after]
                return new if len(new) > WORKERS and not any(s["in_progress"] for s in new) else None

            new = wait_until(ended, 10, f"{WORKERS + 1} stalls that ended")
            long = [stall for stall in new if stall["duration_seconds"] > 0.5 * MILLISECONDS / 1000]
            said = {stall["loop"]: stall["function"] for stall in long}
            print(sorted(said.items()))
            self.assertEqual(len(long), WORKERS + 1, "one stall a loop")
            named = {loop: function for loop, function in said.items() if function}
            self.assertLessEqual(set(named.values()), names)
            self.assertEqual(len(set(named.values())), len(named), "no name twice")
            self.assertGreaterEqual(len(named), (WORKERS + 1) // 2)
            for loop, function in named.items():
                self.assertEqual(function_of.setdefault(loop, function), function, loop)
        self.assertEqual(set(function_of.values()), names, "each with its own function")

    @staticmethod
    def stalls(loopscope):
        return loopscope.json("/api/v1/stalls?limit=200")


if __name__ == "__main__":
    unittest.main(verbosity=2)
