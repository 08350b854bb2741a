#!/usr/bin/env python3
"""Every injected stall is counted once, in its phase, with its length.

    phase_stalls_test.py TARGET     TARGET: a Node variant (18, 22-stripped, ...) or "server"
"""

import json
import random
import sys
import time
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.crowding import CpuShortage, judge_when_quiet
from harness.polling import wait_until
from harness.server import LoopscopeServer
from harness.stalls import LoopFigures, growth

TARGET = "22"
SEED = 20240229
ATTEMPTS = 2
SERVER_PHASES = ("timers", "pending", "idle_prepare", "poll", "check", "closing")


# These have the loop of another target in the list, built otherwise.
SAME_LOOP = ("22-stripped", "debian")


def stall_count():
    if env.short():
        return 20
    return 60 if TARGET in SAME_LOOP else 200


class PhaseStallsTest(EndToEndCase):
    def node_truth(self):
        target = self.node(TARGET, "phase_stalls.js")

        def inject():
            answer = target.ask(f"go {stall_count()} {SEED}", timeout=240)
            return json.loads(answer.group(0))

        return target.pid, inject

    def server_truth(self):
        target = self.adopt(LoopscopeServer())
        target.http.get("/")

        def inject():
            choice = random.Random(SEED)
            order = [SERVER_PHASES[i % len(SERVER_PHASES)] for i in range(stall_count())]
            choice.shuffle(order)
            truth = {phase: {"count": 0, "ns": 0} for phase in SERVER_PHASES}
            for phase in order:
                milliseconds = choice.randint(60, 400)
                target.block(phase, milliseconds)
                truth[phase]["count"] += 1
                truth[phase]["ns"] += milliseconds * 1_000_000
                time.sleep(choice.uniform(0.02, 0.12))  # the load: an idle gap
            return truth

        return target.pid, inject

    def test_stalls_are_counted_in_their_phase(self):
        pid, inject = self.server_truth() if TARGET == "server" else self.node_truth()
        loopscope = self.loopscope("--pid", pid, "--stall-threshold", "50ms")
        loopscope.wait_for_loop(pid, source="uv_stack")
        judge_when_quiet(
            lambda: self.check_stalls(pid, inject, loopscope),
            lambda: CpuShortage(pid, loopscope.pid),
            ATTEMPTS,
        )
        self.assertEqual(loopscope.stop(), 0)

    def check_stalls(self, pid, inject, loopscope):
        before = LoopFigures(loopscope.scrape(), pid)
        truth = inject()

        def all_ended():
            # The last stall has ended; its record may still be on its way.
            figures = LoopFigures(loopscope.scrape(), pid)
            total = sum(growth(before.stalls, figures.stalls).values())
            return figures if total >= stall_count() and figures.blocked == 0 else None

        try:
            after = wait_until(all_ended, 3, "full count of stalls")
        except AssertionError:
            after = LoopFigures(loopscope.scrape(), pid)
        counted = growth(before.stalls, after.stalls)
        seconds = growth(before.stall_seconds, after.stall_seconds)
        true_seconds = {phase: entry["ns"] / 1e9 for phase, entry in truth.items()}
        late = loopscope.scrape().value("loopscope_sampler_late_seconds_total")
        print(f"{TARGET}: counted {counted}, seconds {seconds}, injected {true_seconds},"
              f" sampler late by {late:.3f} s in all")

        self.assertEqual(counted, {phase: entry["count"] for phase, entry in truth.items()})
        self.assert_close(
            sum(seconds.values()), sum(true_seconds.values()), "stall seconds", relative=0.03
        )
        for phase, expected in true_seconds.items():
            # A single phase has a fifth of the stalls to average over.
            self.assert_close(
                seconds.get(phase, 0.0), expected, f"stall seconds in {phase}", relative=0.05
            )


if __name__ == "__main__":
    TARGET = sys.argv.pop(1) if len(sys.argv) > 1 else TARGET
    unittest.main(verbosity=2)
