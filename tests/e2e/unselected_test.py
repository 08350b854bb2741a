#!/usr/bin/env python3
"""A program with a loop that nothing selects: the log names it once and says how to choose it."""

import os
import subprocess
import time
import unittest

from harness import env
from harness.build import compile_program
from harness.case import EndToEndCase


def static_libuv():
    """An executable that has uv_run itself says at once that it has a loop."""
    folder = subprocess.run(
        [env.tool("pkg-config"), "--variable=libdir", "libuv"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()
    return [f"{folder}/libuv_a.a", "-lpthread", "-ldl"]


class UnselectedTest(EndToEndCase):
    def test_log_names_it_once_and_how_to_choose_it(self):
        name = f"ls-timer-{os.getpid()}"[:15]
        binary = compile_program(
            self.temporary_directory(), "timer_loop.c", name=name, last=static_libuv()
        )
        programs = [self.spawn(binary) for _ in range(2)]
        for program in programs:
            program.wait_line("^ready")
        unselective = self.loopscope()
        line = rf"left out: {name} pid (\d+) has an event loop \(.+\) and listens on no TCP port; "
        line += r"to watch it, select it with --pid (\d+) or --name$"
        told = unselective.wait_line(line, stream="stderr")
        self.assertEqual(told.group(1), told.group(2))
        pid = int(told.group(1))
        self.assertIn(pid, [program.pid for program in programs])
        time.sleep(3)  # several scans
        lines = [text for text in unselective.lines("stderr") if f"left out: {name}" in text]
        self.assertEqual(len(lines), 1, "once for the program, not for each of its processes")
        self.assertEqual(unselective.loops(pid), [])

        self.loopscope("--pid", pid).wait_for_loop(pid)
        by_name = self.loopscope("--name", name)
        for program in programs:
            by_name.wait_for_loop(program.pid)


if __name__ == "__main__":
    unittest.main(verbosity=2)
