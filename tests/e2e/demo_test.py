#!/usr/bin/env python3
"""`make demo`: one scenario to its end, an unknown one, and Ctrl-C in the middle."""

import os
import signal
import sys
import unittest
from pathlib import Path

from harness import env
from harness.case import EndToEndCase
from harness.polling import wait_until

DEMO = env.REPO_DIR / "tools" / "demo"
MARK = "LOOPSCOPE_DEMO_TEST"


def marked(value):
    """Command lines of processes that inherited the mark, by pid."""
    wanted = f"{MARK}={value}".encode()
    found = {}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (directory / "environ").read_bytes().split(b"\0"):
                words = (directory / "cmdline").read_bytes().split(b"\0")
                found[int(directory.name)] = b" ".join(words).decode("utf-8", "replace")
        except OSError:
            pass  # it has ended
    return found


class DemoTest(EndToEndCase):
    def demo(self, *scenarios, **environment):
        self.mark = f"{os.getpid()}-{self.id()}"
        return self.spawn(
            sys.executable, DEMO, *scenarios, name="demo", env={MARK: self.mark, **environment}
        )

    def assert_nothing_left(self):
        wait_until(lambda: not marked(self.mark), 10, f"end of {marked(self.mark)}")

    def test_one_scenario(self):
        demo = self.demo("full-backlog")
        self.assertEqual(demo.wait(150), 0, demo.text())
        text = demo.text("stdout")
        self.assertRegex(text, r"firing +page +EventLoopBacklogFullLoopHealthy")
        self.assertRegex(text, r"resolved +page +EventLoopBacklogFullLoopHealthy")
        self.assertRegex(text, r"(?m)^full-backlog +not accepting ")
        self.assertRegex(text, r"(?m)^ +accepting ")
        self.assert_nothing_left()

    def test_unknown_scenario(self):
        demo = self.demo("nonsense")
        self.assertEqual(demo.wait(30), 1)
        self.assertIn("full-backlog", demo.text())

    def test_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name):
                demo = self.demo("cluster")
                demo.wait_line("inline: pid", timeout=60)
                self.assertGreater(len(marked(self.mark)), 4)
                demo.signal(number)
                self.assertEqual(demo.wait(30), 0, demo.text())
                self.assert_nothing_left()

    def test_interrupted_while_kept(self):
        demo = self.demo("full-backlog", DEMO_KEEP="1")
        demo.wait_line("Ctrl-C ends everything", timeout=150)
        demo.signal(signal.SIGINT)
        self.assertEqual(demo.wait(30), 0, demo.text())
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main(verbosity=2)
