#!/usr/bin/env python3
"""A C++ program on libuv: the culprit is its own innermost function, not libc's or libuv's."""

import subprocess
import unittest

from harness import env
from harness.build import compile_program
from harness.case import EndToEndCase
from harness.culprit_matrix import without_nulls
from harness.polling import wait_until

MILLISECONDS = 200
TIMES = 3
# Command: the functions of which one is the innermost of the program's own.
RIGHT = {
    "burn": {"burn_in_timer"},
    "method": {"shop::Cart::price_all"},
    "sleep": {"sleep_in_timer"},
    "library": {"sort_in_library", "order"},
}
BUILDS = {
    "frame pointers": ("-O2", "-fno-omit-frame-pointer"),
    "no frame pointers": ("-O2", "-fomit-frame-pointer"),
    "unoptimized": ("-O0",),
}


def plain(name):
    """Without template arguments, parameters and the marks of the compiler's copies."""
    return name.split("(")[0].split(" [")[0].split(".constprop")[0].split(".isra")[0]


class CulpritNativeTest(EndToEndCase):
    def start(self, flags, strip=False):
        program = compile_program(
            self.temporary_directory(), "native_culprits.cc", *flags, packages=("libuv",)
        )
        if strip:
            subprocess.run(["strip", program], check=True)
        target = self.spawn(program)
        target.wait_line("^ready")
        loopscope = self.loopscope("--pid", target.pid)
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        return program, target, loopscope

    def record_of(self, target, loopscope, command):
        known = {record["id"] for record in loopscope.json("/api/v1/stalls?limit=100")}
        target.ask(f"{command} {MILLISECONDS}")

        def ended():
            records = loopscope.json("/api/v1/stalls?limit=100")
            fresh = [r for r in records if r["id"] not in known and not r["in_progress"]]
            return fresh[0] if fresh else None

        return without_nulls(wait_until(ended, 5, f"record of {command}"))

    def test_innermost_function_of_the_program(self):
        for name, flags in BUILDS.items():
            program, target, loopscope = self.start(flags)
            for command, right in RIGHT.items():
                with self.subTest(build=name, command=command):
                    for _ in range(TIMES):
                        record = self.record_of(target, loopscope, command)
                        self.assertIn(plain(record["function"]), right, record)
                        self.assertEqual(record["file"], program.name, record)
                        kinds = {frame["kind"] for frame in record["stack"]}
                        self.assertLessEqual(kinds, {"native", "kernel", "unknown"}, record)
            loopscope.kill()
            target.kill()

    def test_stripped_program_names_no_function_wrongly(self):
        _, target, loopscope = self.start(("-O2", "-fno-omit-frame-pointer"), strip=True)
        for command in RIGHT:
            with self.subTest(command=command):
                record = self.record_of(target, loopscope, command)
                names = {plain(frame["function"]) for frame in record["stack"]}
                own = set().union(*RIGHT.values()) | {"main", "on_timer", "on_input"}
                self.assertEqual(names & own, set(), "a name that is not in the file")
                self.assertNotRegex(record["function"], "^uv_|sleep|qsort", "not its own")
        loopscope.kill()

    def test_stack_command(self):
        _, target, loopscope = self.start(BUILDS["frame pointers"])
        target.send("burn 3000")
        loopscope.wait_metrics(
            lambda m: m.value("eventloop_blocked_seconds", pid=target.pid, loop="main") > 0.1,
            5,
            "block",
        )
        shown = subprocess.run(
            [env.loopscope(), "stack", str(target.pid)],
            capture_output=True, text=True, timeout=10, check=False,
        )
        self.assertEqual(shown.returncode, 0, shown.stdout + shown.stderr)
        self.assertIn("burn_in_timer", shown.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
