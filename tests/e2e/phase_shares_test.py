#!/usr/bin/env python3
"""The time in each phase is right within 2 percentage points, in slices too short to be stalls.

    phase_shares_test.py TARGET     TARGET: a Node variant (18, 22-stripped, ...) or "server"
"""

import json
import random
import sys
import time
import unittest

from harness import env, procfs
from harness.case import EndToEndCase
from harness.crowding import CpuShortage, judge_when_quiet
from harness.server import LoopscopeServer
from harness.stalls import LoopFigures, growth

TARGET = "22"
SEED = 1789
SHARES = {"timers": 0.15, "check": 0.10, "poll": 0.20, "closing": 0.05}
TOLERANCE = 0.03  # half of it by a busy neighbour
ATTEMPTS = 3


def run_seconds():
    return 5 if env.short() else 15


class PhaseSharesTest(EndToEndCase):
    def node_truth(self):
        target = self.node(TARGET, "phase_mix.js")

        def inject():
            answer = target.ask(f"go {run_seconds()} {SEED}", timeout=120)
            truth = json.loads(answer.group(0))
            return truth["wall_seconds"], {name: ns / 1e9 for name, ns in truth["ns"].items()}

        return target.pid, inject

    def server_truth(self):
        target = self.adopt(LoopscopeServer())
        target.http.get("/")

        def inject():
            choice = random.Random(SEED)
            spent = dict.fromkeys(SHARES, 0.0)
            begin = time.monotonic()
            while time.monotonic() - begin < run_seconds():
                phase = choice.choices(list(SHARES), list(SHARES.values()))[0]
                milliseconds = choice.randint(5, 20)
                target.block(phase, milliseconds)
                spent[phase] += milliseconds / 1000
                ahead = sum(spent.values()) / sum(SHARES.values()) - (time.monotonic() - begin)
                time.sleep(max(0.001, ahead))  # the load: idle until the share is right
            return time.monotonic() - begin, spent

        return target.pid, inject

    def test_phase_shares(self):
        pid, inject = self.server_truth() if TARGET == "server" else self.node_truth()
        loopscope = self.loopscope("--pid", pid)
        loopscope.wait_for_loop(pid, source="uv_stack")
        judge_when_quiet(
            lambda: self.check_shares(pid, inject, loopscope),
            lambda: CpuShortage(pid, loopscope.pid),
            ATTEMPTS,
        )

    @staticmethod
    def main_thread_busy(pid):
        """Seconds in which the main thread ran or waited for a CPU so far."""
        activity = procfs.process_activity(pid)[pid]
        return (activity.run_ns + activity.runqueue_wait_ns) / 1e9

    def check_shares(self, pid, inject, loopscope):
        begin = time.monotonic()
        before = LoopFigures(loopscope.scrape(), pid)
        busy_before = self.main_thread_busy(pid)
        wall, truth = inject()
        busy = self.main_thread_busy(pid) - busy_before
        after = LoopFigures(loopscope.scrape(), pid)
        elapsed = time.monotonic() - begin

        phases = growth(before.phases, after.phases)
        states = growth(before.states, after.states)
        shares = {name: seconds / wall for name, seconds in phases.items()}
        true_shares = {name: seconds / wall for name, seconds in truth.items()}
        print(f"{TARGET}: measured {shares}, true {true_shares}")

        self.assert_close(sum(phases.values()), elapsed, "sum of phases", relative=0.02)
        self.assert_close(sum(states.values()), elapsed, "active + idle", relative=0.02)
        for name, share in true_shares.items():
            self.assert_close(
                shares.get(name, 0.0), share, f"share of {name}", absolute=TOLERANCE
            )
        for name in ("pending", "idle_prepare", "unknown"):
            self.assertLess(shares.get(name, 0.0), TOLERANCE, f"share of {name}")
        # What the runtime does between the slices is not waiting either; the kernel knows.
        self.assert_close(
            shares.get("poll_wait", 0.0), 1 - busy / wall, "share of waiting", absolute=TOLERANCE
        )
        self.assertEqual(growth(before.stalls, after.stalls), {}, "no slice is a stall")


if __name__ == "__main__":
    TARGET = sys.argv.pop(1) if len(sys.argv) > 1 else TARGET
    unittest.main(verbosity=2)
