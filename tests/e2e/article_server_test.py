#!/usr/bin/env python3
"""The article's server: what shows while it computes and answers nobody."""

import json
import socket
import statistics
import struct
import threading
import time
import unittest

from harness.case import EndToEndCase
from harness.http_client import HttpClient
from harness.stalls import LoopFigures, growth

NODE = "22"


class ArticleServerTest(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.target = self.node(NODE, "article_server.js")
        ready = self.target.wait_line(r"^ready (.*)$").group(1)
        self.port = json.loads(ready)["port"]
        self.app = self.client()
        self.n = self.calibrate(1.5)
        self.loopscope_ = self.loopscope("--pid", self.target.pid)
        self.loopscope_.wait_for_loop(self.target.pid, source="uv_stack")

    def client(self):
        client = HttpClient("127.0.0.1", self.port, timeout=60)
        self.addCleanup(client.close)
        return client

    def compute(self, n, client=None):
        """Seconds that the sum to n blocked the loop, as the server saw it."""
        return json.loads((client or self.app).get(f"/compute?n={int(n)}").text)["seconds"]

    def calibrate(self, seconds):
        self.compute(1e8)  # lets the optimizing compiler do its work
        return 1e9 * max(1.0, seconds / self.compute(1e9))

    def figures(self, metrics=None):
        return LoopFigures(metrics or self.loopscope_.scrape(), self.target.pid)

    def in_background(self, function):
        results = []
        thread = threading.Thread(target=lambda: results.append(function()), daemon=True)
        thread.start()
        return thread, results

    def test_a_block_is_visible_while_it_lasts(self):
        before = self.figures()
        compute, computed = self.in_background(lambda: self.compute(self.n, self.client()))
        self.loopscope_.wait_metrics(
            lambda m: self.figures(m).blocked > 0, 10, "block in progress", interval=0.005
        )
        waiter = self.client()
        wait, waited = self.in_background(lambda: waiter.get("/").seconds)
        blocked, latencies = [], []
        while compute.is_alive():
            begin = time.monotonic()
            metrics = self.loopscope_.scrape()
            latencies.append(time.monotonic() - begin)
            blocked.append(self.figures(metrics).blocked)
            time.sleep(0.02)
        compute.join()
        wait.join(30)
        length, client_wait = computed[0], waited[0]
        print(f"block {length:.3f} s, client of / waited {client_wait:.3f} s,"
              f" {len(blocked)} scrapes, p50 {statistics.median(latencies):.4f} s,"
              f" max {max(latencies):.4f} s")

        self.assertGreater(length, 1.0)
        self.assertGreater(len(blocked), 10)
        self.assertLess(statistics.median(latencies), 0.05, "/metrics during the block")
        self.assertLess(max(latencies), 0.5, "/metrics during the block")
        rising = blocked[: blocked.index(max(blocked)) + 1]
        self.assertEqual(rising, sorted(rising), "blocked_seconds grows")
        self.assertEqual(len(set(rising)), len(rising), "blocked_seconds grows at every scrape")
        self.assertGreater(max(blocked), 0.8 * length)

        after = self.figures(
            self.loopscope_.wait_metrics(
                lambda m: self.figures(m).blocked == 0, 5, "end of the block"
            )
        )
        # The client asked a moment after the block began, so it waited a little less.
        self.assert_close(
            after.lag_max, client_wait, "lag max and client", relative=0.15, absolute=0.05
        )
        self.assert_close(after.lag_max, length, "lag max and block", relative=0.03, absolute=0.02)
        self.assertEqual(sum(growth(before.stalls, after.stalls).values()), 1)
        self.assertEqual(growth(before.stalls, after.stalls), {"poll": 1})
        # A block of length B holds arrivals late by B/2 on average.
        self.assert_close(
            after.lag_sum - before.lag_sum, 1000 * length**2 / 2, "lag sum", relative=0.1
        )

    def abort_one_scrape(self, received):
        """Asks for the metrics, reads at most a few bytes and resets the connection."""
        scraper = socket.create_connection((self.loopscope_.host, self.loopscope_.port), 5)
        scraper.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if received:
            scraper.recv(received)
        scraper.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        scraper.close()

    def test_aborted_scrapes_lose_nothing(self):
        begin = time.monotonic()
        before = self.figures()
        true_seconds = 0.0
        for i in range(10):
            thread, computed = self.in_background(
                lambda: self.compute(self.n / 8, self.client())
            )
            while thread.is_alive():
                self.abort_one_scrape(received=i % 3 * 10)
                time.sleep(0.005)
            true_seconds += computed[0]
        after = self.figures(
            self.loopscope_.wait_metrics(lambda m: self.figures(m).blocked == 0, 5, "idle")
        )
        elapsed = time.monotonic() - begin
        self.assertEqual(sum(growth(before.stalls, after.stalls).values()), 10)
        seconds = sum(growth(before.stall_seconds, after.stall_seconds).values())
        self.assert_close(seconds, true_seconds, "stall seconds", relative=0.05)
        self.assert_close(
            after.lag_count - before.lag_count, 1000 * elapsed, "lag observations", relative=0.03
        )

    def test_two_scrapers_see_the_same(self):
        first, second = self.loopscope_.client(), self.loopscope_.client()
        scrapes = []
        for i in range(3):
            thread, _ = self.in_background(lambda: self.compute(self.n / 8, self.client()))
            while thread.is_alive():
                for client in (first, second):
                    scrapes.append(self.loopscope_.scrape(client))
                time.sleep(0.01)
        first.close()
        second.close()
        identity = scrapes[0].identity(self.target.pid).items()
        # Interleaved, both must read one and the same set of ever-growing counters.
        for earlier, later in zip(scrapes, scrapes[1:]):
            counters = later.counters()
            for key, value in earlier.counters().items():
                if identity <= dict(key[1]).items():
                    self.assertIn(key, counters)
                    self.assertGreaterEqual(counters[key], value, f"{key} went down")
        ours, theirs = scrapes[0::2], scrapes[1::2]
        mine = self.figures(ours[-1]).lag_count - self.figures(ours[0]).lag_count
        other = self.figures(theirs[-1]).lag_count - self.figures(theirs[0]).lag_count
        self.assert_close(other, mine, "observations between scrapes", absolute=200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
