#!/usr/bin/env python3
"""Idle loops: lag is exactly 0, and being watched costs the target not one wake-up."""

import time
import unittest

from harness import env, procfs
from harness.case import EndToEndCase
from harness.stalls import LoopFigures

OBSERVED_SECONDS = 10
ATTEMPTS = 4
# V8 goes on tidying its heap for a while after the start, in steps some seconds apart.
ATTEMPTS_TO_SETTLE = 12


class IdleTest(EndToEndCase):
    def start_targets(self):
        return {variant: self.node(variant, "idle_server.js") for variant in env.NODE_MAJORS}

    def woken(self, targets, observe):
        """Threads that woke up while `observe` ran, as {(target, thread name): growth}."""

        def activity():
            return {
                (name, tid): entry
                for name, child in targets.items()
                for tid, entry in procfs.process_activity(child.pid).items()
            }

        begin = activity()
        observe()
        end = activity()
        return {
            f"node {name}, thread {procfs.comm(tid)} ({tid})": f"{begin.get((name, tid))} -> {entry}"
            for (name, tid), entry in end.items()
            if entry != begin.get((name, tid))
        }

    def assert_quiet(self, targets, observe, what, attempts):
        """V8's own helper threads wake up now and then after the start. A wake-up that
        comes from being watched comes in every period."""
        for _ in range(attempts):
            woken = self.woken(targets, observe)
            if not woken:
                return
            print(f"{what}: {woken}")
        self.fail(f"{what}: {woken}")

    def test_idle_loops(self):
        targets = self.start_targets()
        self.assert_quiet(
            targets, lambda: time.sleep(OBSERVED_SECONDS), "without Loopscope", ATTEMPTS_TO_SETTLE
        )

        selection = [part for child in targets.values() for part in ("--pid", child.pid)]
        loopscope = self.loopscope(*selection)
        for child in targets.values():
            loopscope.wait_for_loop(child.pid, source="uv_stack")

        def observe():
            begin = time.monotonic()
            first = loopscope.scrape()
            time.sleep(OBSERVED_SECONDS)
            last = loopscope.scrape()
            self.check_lag(targets, first, last, time.monotonic() - begin)

        self.assert_quiet(targets, observe, "watched by Loopscope", ATTEMPTS)

    def check_lag(self, targets, first, last, elapsed):
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
