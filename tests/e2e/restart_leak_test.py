#!/usr/bin/env python3
"""A thousand restarts of a target leave neither descriptors nor memory behind."""

import unittest

from harness import env, procfs
from harness.case import EndToEndCase
from harness.polling import wait_until
from harness.tiny_loop import build_tiny_loop

BATCH = 50  # targets alive at a time; each batch replaces all of them
WARM_UP_BATCHES = 4
MAX_RSS_GROWTH = 3 * 1024 * 1024
MAX_FD_GROWTH = 4


def batches():
    return 8 if env.short() else 1000 // BATCH


class RestartLeakTest(EndToEndCase):
    def test_a_thousand_restarts(self):
        binary = build_tiny_loop(self.temporary_directory())
        loopscope = self.loopscope("--name", f"^{binary.name}$")
        fds = rss = None
        for batch in range(batches() + WARM_UP_BATCHES):
            targets = [self.spawn(binary) for _ in range(BATCH)]
            pids = {str(target.pid) for target in targets}
            wait_until(
                lambda: {loop["pid"] for loop in loopscope.loops()} == pids,
                15, f"exactly the {BATCH} targets of batch {batch}", interval=0.1,
            )
            for target in targets:
                target.kill()
            self.forget(targets)
            if batch == WARM_UP_BATCHES - 1:
                fds, rss = procfs.open_fds(loopscope.pid), procfs.rss_bytes(loopscope.pid)
        # Measured as at the end of the warm-up: just after a batch was killed.
        fd_growth = procfs.open_fds(loopscope.pid) - fds
        rss_growth = procfs.rss_bytes(loopscope.pid) - rss
        print(f"{batches() * BATCH} restarts: {fd_growth:+d} descriptors,"
              f" {rss_growth / 1024:+.0f} KiB (from {rss / 1024:.0f} KiB)")
        self.assertLessEqual(fd_growth, MAX_FD_GROWTH)
        self.assertLess(rss_growth, MAX_RSS_GROWTH)

        wait_until(lambda: not loopscope.loops(), 5, "end of all series", interval=0.2)
        self.assertEqual(loopscope.scrape().value("loopscope_targets"), 0)
        self.assertEqual(loopscope.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
