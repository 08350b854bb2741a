#!/usr/bin/env python3
"""Idle loops: lag is exactly 0, and being watched costs the target not one wake-up."""

import time
import unittest

from harness import env, procfs
from harness.case import EndToEndCase
from harness.polling import wait_until
from harness.stalls import LoopFigures

OBSERVED_SECONDS = 10


class IdleTest(EndToEndCase):
    def start_targets(self):
        return {variant: self.node(variant, "idle_server.js") for variant in env.NODE_MAJORS}

    def activity(self, targets):
        return {name: procfs.process_activity(child.pid) for name, child in targets.items()}

    def wait_settled(self, targets):
        """Start-up work (compilers, collectors) goes on for a while after "ready"."""

        def quiet():
            first = self.activity(targets)
            time.sleep(3)
            return first == self.activity(targets)

        wait_until(quiet, 120, "quiet targets")

    def test_idle_loops(self):
        targets = self.start_targets()
        self.wait_settled(targets)

        control_begin = self.activity(targets)
        time.sleep(OBSERVED_SECONDS)
        self.assertEqual(control_begin, self.activity(targets), "control period without Loopscope")

        selection = [part for child in targets.values() for part in ("--pid", child.pid)]
        loopscope = self.loopscope(*selection)
        for child in targets.values():
            loopscope.wait_for_loop(child.pid, source="uv_stack")
        activity_begin = self.activity(targets)
        self.assertEqual(control_begin, activity_begin, "attaching wakes nobody")

        begin = time.monotonic()
        first = loopscope.scrape()
        time.sleep(OBSERVED_SECONDS)
        last = loopscope.scrape()
        elapsed = time.monotonic() - begin
        self.assertEqual(activity_begin, self.activity(targets), "watching wakes nobody")

        for name, child in targets.items():
            before, after = LoopFigures(first, child.pid), LoopFigures(last, child.pid)
            self.assertEqual(after.lag_sum - before.lag_sum, 0, f"lag of idle node {name}")
            self.assertEqual(after.lag_max, 0, f"lag maximum of idle node {name}")
            observations = after.lag_count - before.lag_count
            self.assert_close(observations, 1000 * elapsed, f"observations, {name}", 0.03)
            prompt = [
                metrics.value("eventloop_lag_seconds_bucket", pid=child.pid, le="0.001")
                for metrics in (first, last)
            ]
            self.assertEqual(prompt[1] - prompt[0], observations, f"late observations, {name}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
