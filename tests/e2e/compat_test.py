#!/usr/bin/env python3
"""The names of prom-client and OpenTelemetry: what they show, against the truth and Node's own.

    compat_test.py NODE
"""

import json
import math
import signal
import subprocess
import sys
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.crowding import CpuShortage, judge_when_quiet
from harness.polling import wait_until

BOTH = ("--compat", "prom-client,opentelemetry")
STATISTICS = ("min", "max", "mean", "stddev", "p50", "p90", "p99")
# From one run of Node's own monitor to the next, by default.
RESOLUTION = 0.010
# What is not the workload's blocking: Node's own turns, and the edges of its blocks.
SLACK = 0.005


def compatible(metrics):
    return {name for name in metrics.names() if name.startswith("nodejs_")}


def lag_quantile(blocks, idle, share):
    """The lag that `share` of the time stayed under: time above x is the sum of B - x."""
    above = (1 - share) * (sum(blocks) + idle)
    low, high = 0.0, max(blocks)
    for _ in range(60):
        middle = (low + high) / 2
        if sum(max(length - middle, 0) for length in blocks) > above:
            low = middle
        else:
            high = middle
    return high


class CompatTest(EndToEndCase):
    variant = "22"

    def start(self, *arguments):
        target = self.node(self.variant, "delay_monitor.js")
        loopscope = self.loopscope("--pid", target.pid, *arguments)
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        return target, loopscope

    def lag(self, metrics, family, pid):
        """The statistics of one family by name, all of them."""
        return {
            name: metrics.value(f"nodejs_eventloop_{family}_{name}_seconds", pid=pid, loop="main")
            for name in STATISTICS
        }

    def test_figures(self):
        def start_anew():
            self.pair = self.start(*BOTH)
            return CpuShortage(*(child.pid for child in self.pair))

        judge_when_quiet(self.check_figures, start_anew, attempts=3)

    def check_figures(self):
        target, loopscope = self.pair
        before = loopscope.scrape()
        blocks, active = [], 0.0
        for command in ("go 20 40 60", "go 5 200 100", "go 1 700 100"):
            answer = json.loads(target.ask(command).group(0))
            blocks += answer["blocks"]
            active += answer["active"]
        # The stall is in the figures once Loopscope has seen its end.
        after = loopscope.wait_metrics(
            lambda m: m.value("eventloop_blocked_seconds", pid=target.pid) == 0,
            5,
            "end of the last block",
        )
        lag = self.lag(after, "lag", target.pid)
        self.assertEqual(self.lag(after, "delay", target.pid), lag)
        self.check_against_truth(after, target.pid, lag, blocks)
        self.check_against_node(lag, answer["node"])
        self.check_time(before, after, target.pid, active)
        # No reset: the next scraper sees the same lags; only more waiting was added.
        again = self.lag(loopscope.scrape(), "lag", target.pid)
        self.assertEqual(again["max"], lag["max"])
        self.assert_close(again["mean"], lag["mean"], "mean of the next scrape", 0.05)

    def check_against_truth(self, metrics, pid, lag, blocks):
        states = metrics.by("eventloop_time_seconds_total", "state", pid=pid, loop="main")
        watched = sum(states.values())
        self.assertLess(watched, 60, "all of it has to be in the window")
        idle = watched - sum(blocks)
        mean = sum(length**2 for length in blocks) / 2 / watched
        mean_square = sum(length**3 for length in blocks) / 3 / watched
        self.assert_close(lag["max"], max(blocks), "max", 0.02, SLACK)
        self.assert_close(lag["mean"], mean, "mean", 0.05)
        self.assert_close(lag["stddev"], math.sqrt(mean_square - mean**2), "stddev", 0.05)
        self.assertEqual(lag["min"], 0)
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
            expected = lag_quantile(blocks, idle, share)
            self.assert_close(lag[name], expected, name, 0.05, SLACK / 2)
        self.assert_close(
            metrics.value("nodejs_eventloop_utilization_ratio", pid=pid, loop="main"),
            states["active"] / watched,
            "utilization",
            absolute=0.01,
        )

    def check_against_node(self, lag, node):
        """Of the last command: one block of 700 ms, the largest of all."""
        self.assertGreaterEqual(node["max"], lag["max"] - SLACK)
        self.assertLessEqual(node["max"], lag["max"] + 2 * RESOLUTION + SLACK)

    def check_time(self, before, after, pid, active):
        """Node's own account of the time it was active, beside ours."""
        def seconds(metrics, state):
            return metrics.value(
                "nodejs_eventloop_time_seconds_total",
                pid=pid, loop="main", nodejs_eventloop_state=state,
            )

        grown = seconds(after, "active") - seconds(before, "active")
        self.assert_close(grown, active, "active seconds", 0.03)
        for state in ("active", "idle"):
            self.assertEqual(
                seconds(after, state),
                after.value("eventloop_time_seconds_total", pid=pid, loop="main", state=state),
            )

    def test_idle_reads_zero_here_and_the_timer_period_there(self):
        target, loopscope = self.start(*BOTH)
        node = json.loads(target.ask("go 0 0 500").group(0))["node"]
        lag = self.lag(loopscope.scrape(), "lag", target.pid)
        for name in ("mean", "p50", "p90"):
            self.assertGreater(node[name], 0.9 * RESOLUTION, name)
            self.assertLess(lag[name], 0.002, name)

    def test_a_block_shows_while_it_lasts(self):
        target, loopscope = self.start(*BOTH)
        target.send("go 1 3000 10")

        def blocked(metrics):
            return metrics.value("nodejs_eventloop_lag_seconds", pid=target.pid) > 0.5

        metrics = loopscope.wait_metrics(blocked, 5, "block in progress")
        now = metrics.value("nodejs_eventloop_lag_seconds", pid=target.pid)
        self.assertEqual(now, metrics.value("eventloop_blocked_seconds", pid=target.pid))
        lag = self.lag(metrics, "lag", target.pid)
        self.assertGreaterEqual(lag["max"], now)
        self.assertGreater(lag["p99"], 0.3)
        self.assertGreater(lag["mean"], 0)
        target.wait_line(r"^\{.*\}$")

    def test_off_by_default_and_switched_by_reload(self):
        path = self.temporary_directory() / "loopscope.yaml"
        path.write_text("log_level: info\n", encoding="utf-8")
        target, loopscope = self.start("--config", path)
        self.assertEqual(compatible(loopscope.scrape()), set())
        before = loopscope.scrape().counters()

        for switch, prefix in (("prom_client", "lag"), ("opentelemetry", "(delay|utilization|time)")):
            path.write_text(f"compatibility: {{{switch}: true}}\n", encoding="utf-8")
            loopscope.signal(signal.SIGHUP)
            metrics = wait_until(
                lambda: self.shown_under(loopscope, prefix), 10, f"metrics by {switch}"
            )
            for key, value in before.items():
                self.assertGreaterEqual(metrics.counters().get(key, -1), value, key)
        path.write_text("", encoding="utf-8")
        loopscope.signal(signal.SIGHUP)
        loopscope.wait_metrics(lambda m: not compatible(m), 10, "end of the other names")
        self.assertTrue(target.running())

    def shown_under(self, loopscope, prefix):
        """A scrape in which there are names of that kind, and no others."""
        metrics = loopscope.scrape()
        names = compatible(metrics)
        self.assertTrue(names)
        for name in names:
            self.assertRegex(name, f"^nodejs_eventloop_{prefix}_")
        return metrics

    def test_promtool_accepts_them(self):
        target, loopscope = self.start(*BOTH)
        target.ask("go 1 80 10")
        text = loopscope.http.get("/metrics").text
        self.assertIn("nodejs_eventloop_utilization_ratio{", text)
        done = subprocess.run(
            [env.tool("promtool"), "check", "metrics"],
            input=text, capture_output=True, text=True, timeout=30, check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout + done.stderr, "")


if __name__ == "__main__":
    CompatTest.variant = sys.argv.pop(1) if len(sys.argv) > 1 else "22"
    unittest.main(verbosity=2)
