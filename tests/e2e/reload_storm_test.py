#!/usr/bin/env python3
"""Reloads under load, with a standard error that gets stuck: nothing crashes, hangs or grows.

    reload_storm_test.py [RELOADS]      default 60; 1000 is the long version

The long one begins to measure memory when as many stalls are kept as ever will be.
"""

import itertools
import signal
import sys
import threading
import time
import unittest

from harness import procfs
from harness.case import EndToEndCase
from harness.polling import wait_until

NODE = "22"
RELOADS = 60
WARM_UP = 20
MAX_RSS_GROWTH = 6 * 1024 * 1024
MAX_FD_GROWTH = 16  # a stall that lasts keeps a few open


class Reader(threading.Thread):
    """Asks for one path again and again."""

    def __init__(self, client, path):
        super().__init__(daemon=True)
        self._client, self._path = client, path
        self._stopping = threading.Event()
        self.answers, self.slowest, self.problem = 0, 0.0, None

    def run(self):
        try:
            while not self._stopping.is_set():
                answer = self._client.get(self._path)
                if answer.status != 200:
                    raise AssertionError(f"{self._path}: {answer.status}")
                self.answers += 1
                self.slowest = max(self.slowest, answer.seconds)
                time.sleep(0.02)
        except Exception as error:  # shown by whoever started this
            self.problem = error

    def stop(self):
        self._stopping.set()
        self.join(20)


class ReloadStormTest(EndToEndCase):
    def write(self, number, pids):
        """A configuration that differs from the one before in all that can be reloaded."""
        odd = number % 2
        lines = [
            f"log_format: {'json' if odd else 'text'}",
            f"log_level: {'debug' if number % 3 else 'info'}",
            f"stall_threshold: {('50ms', '20ms')[odd]}",
            f"sources: {{backlog: {'false' if odd else 'true'}}}",
            f"stacks: {{enabled: {'false' if number % 4 == 3 else 'true'}}}",
            f"stall_log: {{file: {self.directory / f'stalls{number % 2}.jsonl'}}}",
            f"compatibility: {{prom_client: {'true' if odd else 'false'}}}",
            "targets:",
            *(f"  - {{pid: {pid}, labels: {{round: r{odd}}}}}" for pid in pids),
        ]
        self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def reload(self, number):
        if number % 2:
            self.loopscope_.signal(signal.SIGHUP)
            return
        response = self.posts.request("/-/reload", method="POST")
        self.assertEqual(response.status, 200, response.text)

    def storm(self, numbers):
        for number in numbers:
            # One target stays; another comes and goes.
            self.write(number, self.pids[: 2 + number % 2])
            if number % 20 == 0:
                with self.loopscope_.stuck("stderr"):
                    self.reload(number)
                    time.sleep(0.3)
            else:
                self.reload(number)
            time.sleep(0.04)

    def stalls_kept(self):
        return len(self.loopscope_.json("/api/v1/stalls?limit=1000"))

    def settled(self):
        """Descriptors and memory with the same targets and no stall captured anew."""
        self.write(0, self.pids[:2])
        self.reload(0)
        expected = {str(pid) for pid in self.pids[:2]}
        wait_until(lambda: {loop["pid"] for loop in self.loopscope_.loops()} == expected,
                   20, "the targets of the last configuration", interval=0.1)
        return procfs.open_fds(self.loopscope_.pid), procfs.rss_bytes(self.loopscope_.pid)

    def test_reloads_under_load(self):
        self.directory = self.temporary_directory()
        self.path = self.directory / "loopscope.yaml"
        targets = [self.node(NODE, "phase_stalls.js") for _ in range(3)]
        self.pids = [target.pid for target in targets]
        for seed, target in enumerate(targets):
            target.send(f"go 100000 {seed}")  # blocks until it is killed
        self.write(0, self.pids[:2])
        self.loopscope_ = self.loopscope("--config", self.path)
        self.loopscope_.wait_for_loop(self.pids[0], source="uv_stack")
        self.posts = self.loopscope_.client()
        readers = [
            Reader(self.loopscope_.client(), path)
            for path in ("/metrics", "/api/v1/loops", "/api/v1/stalls?limit=1000")
        ]
        for reader in readers:
            reader.start()
        counted = itertools.count(1)
        self.storm(itertools.islice(counted, WARM_UP))
        while RELOADS >= 1000 and self.stalls_kept() < 1000:
            self.storm(itertools.islice(counted, WARM_UP))
        fds, rss = self.settled()
        self.storm(itertools.islice(counted, RELOADS))
        for reader in readers:
            reader.stop()
            self.assertIsNone(reader.problem)
            self.assertGreater(reader.answers, RELOADS // 10)
        fds_after, rss_after = self.settled()
        slowest = max(reader.slowest for reader in readers)
        print(f"{RELOADS} reloads: slowest answer {slowest:.2f} s,"
              f" {fds_after - fds:+d} descriptors,"
              f" {(rss_after - rss) / 1024:+.0f} KiB (from {rss / 1024:.0f} KiB)")
        self.assertLess(slowest, 8, "seconds for an answer")
        self.assertLessEqual(fds_after - fds, MAX_FD_GROWTH)
        self.assertLess(rss_after - rss, MAX_RSS_GROWTH)
        before = self.loopscope_.scrape().sum("eventloop_stalls_total", pid=self.pids[0])
        wait_until(
            lambda: self.loopscope_.scrape().sum("eventloop_stalls_total", pid=self.pids[0])
            > before, 20, "further stalls of a target that stayed",
        )
        self.assertEqual(self.loopscope_.stop(), 0)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        RELOADS = int(sys.argv.pop(1))
    unittest.main(verbosity=2)
