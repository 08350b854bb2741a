#!/usr/bin/env python3
"""Where the log goes does not take it, or the disk is full: measuring and answering go on."""

import json
import subprocess
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.polling import wait_until
from harness.tiny_loop import build_tiny_loop

NODE = "22"
TARGETS = 12  # a time; two lines of the log each
ROUNDS = 3


class StuckOutputTest(EndToEndCase):
    def test_nobody_reads_standard_error(self):
        binary = build_tiny_loop(self.temporary_directory())
        loopscope = self.loopscope("--name", f"^{binary.name}$")
        client = loopscope.client()
        with loopscope.stuck("stderr"):
            for number in range(ROUNDS):
                targets = [self.spawn(binary) for _ in range(TARGETS)]
                pids = {str(target.pid) for target in targets}
                wait_until(
                    lambda: {loop["pid"] for loop in loopscope.loops()} == pids,
                    20, f"the targets of round {number}", interval=0.1,
                )
                for target in targets:
                    target.kill()
                self.forget(targets)
            wait_until(lambda: not loopscope.loops(), 10, "end of all targets", interval=0.1)
            # The other ways in take the same locks.
            for path in ("/-/ready", "/api/v1/loops", "/api/v1/stalls", "/"):
                self.assertLess(client.get(path).seconds, 5, path)
            self.assertEqual(client.request("/-/reload", method="POST").status, 200)
        # What was queued comes now, nothing of it is lost: it was less than is kept.
        loopscope.wait_line("configuration reloaded", stream="stderr")
        found = [line for line in loopscope.lines("stderr") if "target found" in line]
        self.assertEqual(len(found), ROUNDS * TARGETS)
        self.assertEqual(loopscope.stop(), 0)

    def test_it_ends_beside_a_stuck_standard_error(self):
        loopscope = self.loopscope("--pid", self.node(NODE, "idle_server.js").pid)
        with loopscope.stuck("stderr"):
            self.assertEqual(loopscope.client().request("/-/reload", method="POST").status, 200)
            self.assertEqual(loopscope.stop(), 0)

    def test_a_full_disk_under_the_stall_log(self):
        disk = self.temporary_directory() / "disk"
        disk.mkdir()
        subprocess.run([env.tool("mount"), "-t", "tmpfs", "-o", "size=64k", "loopscope-test", disk],
                       check=True)
        self.addCleanup(subprocess.run, [env.tool("umount"), "-l", disk], check=True)
        ballast = disk / "ballast"
        target = self.node(NODE, "phase_stalls.js")
        log = disk / "stalls.jsonl"
        loopscope = self.loopscope("--pid", target.pid, "--stall-log", log)
        loopscope.wait_for_loop(target.pid, source="uv_stack")

        def stalls():
            return loopscope.scrape().sum("eventloop_stalls_total", pid=target.pid)

        with open(ballast, "wb", buffering=0) as file, self.assertRaises(OSError):
            while True:
                file.write(bytes(1024))
        target.ask("go 8 1")
        wait_until(lambda: stalls() >= 8, 5, "eight stalls")
        loopscope.wait_line(r"stall log: .*(No space left|disk may be full)", stream="stderr")
        ballast.unlink()
        target.ask("go 4 2")
        loopscope.wait_line(r"is written again; stalls left out: [1-8]$", stream="stderr")
        told = [line for line in loopscope.lines("stderr") if "stall log:" in line]
        self.assertEqual(len(told), 2, told)
        self.assertEqual(loopscope.stop(), 0)
        whole = [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")]
        self.assertGreaterEqual(len(whole), 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
