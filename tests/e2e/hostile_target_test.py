#!/usr/bin/env python3
"""Targets that show crafted, cyclic, vanishing memory while their stack is taken.

Whatever they show, Loopscope stays alive, answers in time, leaks nothing, spends little,
and the target goes on as if nobody had looked.
"""

import json
import platform
import random
import subprocess
import time
import unittest

from harness import env, procfs
from harness.build import compile_program
from harness.case import EndToEndCase
from harness.elf_symbols import int_symbols
from harness.polling import wait_until

NODE = "22"
# Low, so that every stall is captured several times.
THRESHOLD = ("--stall-threshold", "20ms")
MODES = ("random", "graph", "frames", "isolate", "unmap", "weird_sp", "crafted_sp")
ATTACKS = 8
ATTACK_MS = 90
ROUNDS = 3  # of all modes, by the fake Node
EXECS = 16
THREADS = 24
WORKERS = 8

ANSWER_SECONDS = 1.0
CPU_SHARE = 0.35  # of one core; a walk without a budget would take all of it
RSS_BYTES = 64 << 20  # growth
# Growth while targets come and go. A process whose stacks were taken has its images and a few
# files of /proc open, some 20 in all; a leak is one or more per capture.
FDS = 32



SYMBOL_VALUES = {
    "genuine": lambda name, value, choice: value,
    "zero": lambda name, value, choice: 0,
    "huge": lambda name, value, choice: 0x7FFFFFFF,
    "negative": lambda name, value, choice: -1,
    "random": lambda name, value, choice: choice.randint(-(2**31) + 1, 2**31 - 1),
    "small random": lambda name, value, choice: choice.randint(0, 255),
}
# Without these a reader stops at once, and nothing is tested.
KEPT = ("v8dbg_TaggedSize", "v8dbg_SmiTag", "v8dbg_SmiTagMask", "v8dbg_HeapObjectTag")


class Watch:
    """What Loopscope must keep up, from construction on."""

    def __init__(self, case, loopscope):
        self._case, self._loopscope = case, loopscope
        self._fds = procfs.open_fds(loopscope.pid)
        self._rss = procfs.rss_bytes(loopscope.pid)
        self._cpu, self._begin = procfs.cpu_seconds(loopscope.pid), time.monotonic()
        self._slowest = 0.0

    def look(self):
        self._case.assertTrue(self._loopscope.running(), "loopscope has ended")
        for path in ("/metrics", "/api/v1/stalls?limit=50"):
            answer = self._loopscope.http.get(path)
            self._case.assertEqual(answer.status, 200)
            self._slowest = max(self._slowest, answer.seconds)
            self._case.assertLess(answer.seconds, ANSWER_SECONDS, path)
        time.sleep(0.1)  # the load: a scraper in a hurry

    def until(self, condition, timeout, what):
        """Looks again and again until `condition` holds."""

        def check():
            self.look()
            return condition()

        return wait_until(check, timeout, what, interval=0)

    def judge(self, what):
        elapsed = time.monotonic() - self._begin
        cpu = (procfs.cpu_seconds(self._loopscope.pid) - self._cpu) / elapsed
        rss = procfs.rss_bytes(self._loopscope.pid) - self._rss
        fds = procfs.open_fds(self._loopscope.pid) - self._fds
        captures = self._loopscope.scrape().by("loopscope_stack_captures_total", "result")
        print(f"{what}: {elapsed:.1f} s, CPU {cpu:.1%}, RSS {rss / 2**20:+.1f} MiB, descriptors"
              f" {fds:+d}, slowest answer {self._slowest * 1000:.0f} ms, captures {captures}",
              flush=True)
        self._case.assertLess(cpu, CPU_SHARE, what)
        self._case.assertLess(rss, RSS_BYTES, what)
        self._case.assertLess(fds, FDS, what)
        self._case.assertGreater(sum(captures.values()), 0, "stacks were taken")


@unittest.skipUnless(platform.machine() == "x86_64", "stacks are taken on x86-64 only")
class HostileTargetTest(EndToEndCase):
    def compile(self, source, *flags, **options):
        return compile_program(
            self.temporary_directory(), f"hostile/{source}", "-O2", "-D_GNU_SOURCE",
            "-fno-omit-frame-pointer",
            *flags, **options,
        )

    def watch(self, target, *arguments):
        loopscope = self.loopscope("--pid", target.pid, *THRESHOLD, *arguments)
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        return loopscope, Watch(self, loopscope)

    def test_node_with_crafted_stack_and_isolate(self):
        addon = self.compile("hostile_addon.c", "-fPIC", "-shared", name="hostile.node",
                             last=("-lpthread", "-ldl"))
        for variant in env.NODE_MAJORS:
            target = self.node(variant, "hostile/hostile_node.js", addon)
            loopscope, watch = self.watch(target)
            for mode in MODES:
                with self.subTest(variant=variant, mode=mode):
                    start = len(target.lines())
                    target.send(f"attack {mode} {ATTACKS} {ATTACK_MS}")
                    watch.until(
                        lambda: any("done" in line for line in target.lines()[start:]),
                        30,
                        f"end of the attacks by {mode}",
                    )
            sound = json.loads(target.ask("check").group(0))
            self.assertEqual(sound, {"caught": 20, "sum": 4999950000}, "target unharmed")
            watch.judge(f"node {variant}")
            self.assertEqual(loopscope.stop(), 0)
            target.close_input()
            self.assertEqual(target.wait(), 0, "target unharmed")

    def test_stack_command_on_a_crafted_stack(self):
        addon = self.compile("hostile_addon.c", "-fPIC", "-shared", name="hostile.node",
                             last=("-lpthread", "-ldl"))
        target = self.node(NODE, "hostile/hostile_node.js", addon)
        for mode in MODES:
            with self.subTest(mode=mode):
                start = len(target.lines())
                target.send(f"attack {mode} 2 500")
                shown = subprocess.run(
                    [env.loopscope(), "stack", str(target.pid)],
                    capture_output=True, text=True, timeout=10, check=False,
                )
                self.assertIn(shown.returncode, (0, 1), shown.stderr)
                target.wait_line("done", start=start)

    def fake_node(self, values, choice):
        """A program with V8's symbols and the given kind of values in them."""
        real = int_symbols(env.node(NODE), "v8dbg_")
        self.assertGreater(len(real), 50, "symbols of the real Node")
        kind = SYMBOL_VALUES[values]
        lines = [f'#define FAKE_VERSION "{NODE}.0.0"']
        for name, value in sorted(real.items()):
            forged = value if name in KEPT else kind(name, value, choice)
            lines.append(f"int {name} = {forged};")
        directory = self.temporary_directory()
        (directory / "v8_symbols.h").write_text("\n".join(lines) + "\n", encoding="ascii")
        return self.compile(
            "fake_node.c", f"-I{directory}", "-rdynamic", name="node",
            packages=("libuv-static",),
        )

    def test_fake_node_with_crafted_symbols(self):
        choice = random.Random(7)
        for values in SYMBOL_VALUES:
            with self.subTest(values=values):
                target = self.spawn(self.fake_node(values, choice), ATTACK_MS)
                target.wait_line("^ready")
                loopscope, watch = self.watch(target)
                self.assertEqual(
                    loopscope.loops(target.pid)[0]["runtime"], "node", "it passes for Node"
                )
                watch.until(
                    lambda: f"round {ROUNDS}" in target.lines(), 60, f"{ROUNDS} rounds"
                )
                watch.judge(f"fake Node, {values} values")
                self.assertEqual(loopscope.stop(), 0)
                target.close_input()
                self.assertEqual(target.wait(), 0, "target unharmed")

    def test_exec_in_the_middle_of_a_stall(self):
        program = self.compile("self_exec.c", packages=("libuv",))
        target = self.spawn(program, EXECS)
        target.wait_line("^ready")
        loopscope, watch = self.watch(target)
        watch.until(lambda: "last 0" in target.lines(), 120, "the last of the images")
        watch.judge("exec during stalls")
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        target.close_input()
        self.assertEqual(target.wait(), 0, "target unharmed")

    def test_threads_that_end_in_the_middle_of_a_stall(self):
        program = self.compile("dying_threads.c", packages=("libuv",), last=("-lpthread",))
        target = self.spawn(program, THREADS)
        target.wait_line("^ready")
        _, watch = self.watch(target)
        watch.until(lambda: "done" in target.lines(), 120, "the end of all threads")
        watch.judge("threads that end")
        target.close_input()
        self.assertEqual(target.wait(), 0, "target unharmed")

    def test_workers_that_end_in_the_middle_of_a_stall(self):
        target = self.node(NODE, "hostile/dying_workers.js")
        loopscope, watch = self.watch(target)
        for turn in range(WORKERS):
            target.ask("start")
            watch.until(lambda: len(loopscope.loops(target.pid)) == 2, 20, "the worker's loop")
            target.ask(f"end {20 + 3 * turn}")
            watch.until(lambda: len(loopscope.loops(target.pid)) == 1, 20, "its end")
        watch.judge("workers that end")
        target.close_input()
        self.assertEqual(target.wait(), 0, "target unharmed")


if __name__ == "__main__":
    unittest.main(verbosity=2)
