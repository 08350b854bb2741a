#!/usr/bin/env python3
"""A culprit is a function of the program, and its line one of the file it is said of.

What runs a script, Python's, Node's and V8's insides, is never to blame: then there is no name,
and the log, `doctor`, the API and a metric say why. Code that was compiled while the program
loaded has its file's name and other lines.
"""

import signal
import subprocess
import time
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.polling import wait_until

MILLISECONDS = 300
PYTHON = """
import asyncio, sys, time
async def main():
    print("ready", flush=True)
    while True:
        await asyncio.sleep(0.3)
        time.sleep(0.2)
        end = time.monotonic() + 0.2
        while time.monotonic() < end: sum(range(1000))
asyncio.run(main())
"""


class CulpritHonestTest(EndToEndCase):
    def watched(self, target, source="uv_stack"):
        loopscope = self.loopscope("--pid", target.pid)
        loopscope.wait_for_loop(target.pid, source=source)
        return loopscope

    @staticmethod
    def ended(loopscope, known=(), at_least=0.1):
        return [
            record
            for record in loopscope.json("/api/v1/stalls?limit=100")
            if record["id"] not in known
            and not record["in_progress"]
            and record["duration_seconds"] >= at_least
        ]

    def stall_of(self, loopscope, target, kind):
        """The record of the stall that a command of made_code.js makes."""
        known = {record["id"] for record in loopscope.json("/api/v1/stalls?limit=100")}
        target.ask(f"{kind} {MILLISECONDS}")
        return wait_until(
            lambda: (self.ended(loopscope, known) or [None])[0], 5, f"record of {kind}"
        )

    def test_insides_of_python(self):
        target = self.spawn("python3", "-c", PYTHON)
        target.wait_line("^ready")
        loopscope = self.watched(target, source="procfs")
        records = wait_until(
            lambda: (lambda found: found if len(found) >= 3 else None)(self.ended(loopscope)),
            15, "stalls of Python",
        )
        for record in records:
            self.assertIsNone(record["function"], record)
        self.assertTrue(any(record["stack"] for record in records), records)
        self.assertEqual(
            loopscope.scrape().value("loopscope_source_success", source="stacks"), 0
        )
        (stacks,) = [
            source
            for source in loopscope.json("/api/v1/loops")["sources"]
            if source["source"] == "stacks"
        ]
        self.assertIn("Python", stacks["reason"])
        doctor = subprocess.run(
            [env.loopscope(), "doctor", "--pid", str(target.pid)],
            capture_output=True, text=True, timeout=20, check=False,
        ).stdout
        self.assertRegex(doctor, "stacks names .*Python")
        told = [line for line in loopscope.lines("stderr") if "functions have no names" in line]
        self.assertEqual(len(told), 1, told)

    def test_stopped_while_idle(self):
        for variant in ("22", "debian"):
            with self.subTest(node=variant):
                target = self.node(variant, "idle_server.js")
                loopscope = self.watched(target)
                target.signal(signal.SIGSTOP)
                time.sleep(0.5)
                target.signal(signal.SIGCONT)
                (record, *_) = wait_until(
                    lambda: self.ended(loopscope, at_least=0.4), 5, "record of the stop"
                )
                self.assertEqual(record["cause"], "stopped", record)
                self.assertIsNone(record["function"], record)
                self.assertTrue(record["stack"], record)
                self.assertEqual(
                    loopscope.scrape().value("loopscope_source_success", source="stacks"), 1
                )
                loopscope.kill()
                target.kill()

    def check(self, record, function, file, line=None, generated=None):
        told = (record["function"], record["file"], record["line"], record["generated_line"])
        self.assertEqual(told, (function, file, line, generated), record)

    def test_code_that_is_not_its_files(self):
        directory = self.temporary_directory()
        target = self.node("22", "made_code.js", directory)
        loopscope = self.watched(target)
        own = env.WORKLOADS / "made_code.js"
        lines = own.read_text().splitlines()
        loop = 1 + next(
            i for i, text in enumerate(lines) if text.startswith("    while (performance.now()")
        )
        stall = lambda kind: self.stall_of(loopscope, target, kind)  # noqa: E731
        self.check(stall("own"), "own", str(own), loop)
        self.check(stall("blanked"), "rankOffers", f"{directory}/blanked.ts", 7)
        self.check(stall("compiled"), "rankOffers", f"{directory}/compiled.ts", None, 4)
        # new Function puts its parameters' two lines in front.
        self.check(stall("view"), "<anonymous>", f"{directory}/list.ejs", None, 4)
        self.check(stall("bundled"), "priceAll", "webpack://shop/./orders.js", None, 3)
        self.check(stall("made"), "nameless", None)
        log = "\n".join(loopscope.lines("stderr"))
        self.assertIn(f"rankOffers {directory}/compiled.ts (generated line 4)", log)
        culprits = loopscope.scrape().samples(
            "eventloop_stall_culprit_seconds_total", file=f"{directory}/compiled.ts"
        )
        self.assertEqual([labels["line"] for labels, _ in culprits], [""], culprits)


if __name__ == "__main__":
    unittest.main(verbosity=2)
