#!/usr/bin/env python3
"""Loops that are not libuv: lag and live blocked time without phases, and no lag invented."""

import json
import sys
import threading
import time
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.deny_calls import PERF_EVENT_OPEN, starter
from harness.line_client import LineClient
from harness.stalls import LoopFigures, growth

CLIENTS = 4
LOAD_SECONDS = 8


class ProcfsSourceTest(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.target = self.spawn(sys.executable, env.WORKLOADS / "epoll_server.py")
        ready = self.target.wait_line(r"^ready (.*)$").group(1)
        self.port = json.loads(ready)["port"]
        self.control = self.client()
        self.scope = self.loopscope("--pid", self.target.pid)
        self.scope.wait_for_loop(self.target.pid, source="procfs")

    def client(self):
        client = LineClient(self.port)
        self.addCleanup(client.close)
        return client

    def figures(self):
        return LoopFigures(self.scope.scrape(), self.target.pid)

    def test_known_blocks(self):
        lengths = (120, 300, 700, 90, 450, 200, 60, 330)
        before = self.figures()
        blocked_seen = 0.0
        for milliseconds in lengths:
            worker = threading.Thread(target=self.control.ask, args=(str(milliseconds),))
            worker.start()
            while worker.is_alive():
                blocked_seen = max(blocked_seen, self.figures().blocked)
                time.sleep(0.02)
            worker.join()
            time.sleep(0.05)  # the load: an idle gap
        self.scope.wait_metrics(
            lambda m: LoopFigures(m, self.target.pid).blocked == 0, 5, "idle loop"
        )
        after = self.figures()
        true_seconds = sum(lengths) / 1000
        self.assertEqual(growth(before.stalls, after.stalls), {"unknown": len(lengths)})
        seconds = sum(growth(before.stall_seconds, after.stall_seconds).values())
        self.assert_close(seconds, true_seconds, "stall seconds", relative=0.05)
        self.assertGreater(blocked_seen, 0.4, "a block shows while it lasts")
        self.assert_close(after.lag_max, 0.7, "lag max", relative=0.05)
        expected = sum(1000 * (ms / 1000) ** 2 / 2 for ms in lengths)
        self.assert_close(after.lag_sum - before.lag_sum, expected, "lag sum", relative=0.15)
        named = set(growth(before.phases, after.phases)) - {"unknown", "poll_wait"}
        self.assertEqual(named, set(), "no phase is claimed")

    def test_no_lag_is_invented_under_load(self):
        self.control.stats()
        before = self.figures()
        deadline = time.monotonic() + LOAD_SECONDS

        def load(milliseconds):
            client = self.client()
            while time.monotonic() < deadline:
                client.ask(milliseconds)

        threads = [
            threading.Thread(target=load, args=(length,))
            for length in ("0.3", "1", "2", "3")[:CLIENTS]
        ]
        for thread in threads:
            thread.start()
        worst = 0.0
        while any(thread.is_alive() for thread in threads):
            worst = max(worst, self.figures().blocked)
            time.sleep(0.05)
        for thread in threads:
            thread.join()
        longest, busy = self.control.stats()
        after = self.figures()
        print(f"busy {busy / LOAD_SECONDS:.0%} of the time, longest true busy period"
              f" {longest * 1000:.1f} ms; claimed lag max {after.lag_max * 1000:.1f} ms,"
              f" blocked {worst * 1000:.1f} ms")
        self.assertGreater(busy / LOAD_SECONDS, 0.5, "heavy load")
        if longest < 0.05:
            self.assertEqual(growth(before.stalls, after.stalls), {}, "no stall happened")
        allowed = max(longest * 1.5, longest + 0.02)
        self.assertLess(after.lag_max, allowed, "claimed lag")
        self.assertLess(worst, allowed, "claimed block")


class WithoutPerfEventsTest(EndToEndCase):
    """Where polls cannot be counted, nothing is claimed of a loop that computes."""

    def test_a_block_nobody_can_tell_from_turns_is_not_called_calm(self):
        target = self.spawn(sys.executable, env.WORKLOADS / "epoll_server.py")
        port = json.loads(target.wait_line(r"^ready (.*)$").group(1))["port"]
        client = LineClient(port)
        self.addCleanup(client.close)
        scope = self.loopscope("--pid", target.pid, starter=starter(PERF_EVENT_OPEN))
        scope.wait_for_loop(target.pid, source="procfs")
        wanted = {"pid": target.pid, "loop": "main"}
        worker = threading.Thread(target=client.ask, args=("2000",))
        worker.start()
        time.sleep(0.5)
        while worker.is_alive():
            metrics = scope.scrape()
            # Whatever is said must be true: it has been blocked for half a second at least.
            for name in ("eventloop_blocked_seconds", "eventloop_lag_max_seconds"):
                said = [value for _, value in metrics.samples(name, **wanted)]
                self.assertTrue(all(value >= 0.4 for value in said) or not worker.is_alive(), said)
            time.sleep(0.05)
        worker.join()
        scope.wait_metrics(
            lambda m: [v for _, v in m.samples("eventloop_blocked_seconds", **wanted)] == [0],
            5, "idle loop")
        metrics = scope.scrape()
        self.assertEqual(metrics.samples("eventloop_lag_max_seconds", **wanted), [])
        active = metrics.sum("eventloop_time_seconds_total", state="active", **wanted)
        self.assertGreater(active, 1.8, "the CPU time is known")
        (loop,) = [x for x in scope.json("/api/v1/loops")["loops"] if x["pid"] == target.pid]
        self.assertIsNone(loop["lag_max_seconds"])
        self.assertRegex(loop["note"], "cannot count the polls")
        self.assertEqual(scope.scrape().value("loopscope_source_success", source="procfs"), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
