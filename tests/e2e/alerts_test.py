#!/usr/bin/env python3
"""Every alert with a scenario, from a real ill process through Loopscope, Prometheus and
Alertmanager to a webhook: in time, with the function's name, and with its end.

All times of the rules and of Prometheus are divided by one factor (60; see
harness/compressed_rules.py); what programs do happens at its real pace. The panels of the
dashboards and the recording rules are queried on the same data.
"""

import math
import resource
import sys
import time
import unittest
from typing import NamedTuple

from harness import env
from harness.alert_scenarios import AlertScenarios
from harness.alert_timing import for_seconds, true_since
from harness.compressed_rules import alerts_of, records_of

sys.path.insert(0, str(env.REPO_DIR / "tests" / "dashboards"))
from panel_queries import panel_queries  # noqa: E402

# From Prometheus' decision to the webhook: a notification, Alertmanager's flush, a request.
# Not compressed, as these programs take real time on a busy machine.
DELIVERY_SECONDS = 1.0
# A queue's maximum is that of the last minute, which Loopscope counts in real time.
ROLLING_MINUTE = 60


class Expected(NamedTuple):
    """An alert that a scenario must raise."""

    labels: dict  # of the one it is raised for
    says: str  # what its description must contain: the blocking function, if there is one
    resolved_within: float = 20  # seconds after the end of the scenario


def process(name, says, **options):
    return Expected({"process": name}, says, **options)


EXPECTED = {
    "EventLoopBlocked": process("compute", "function sumTo"),
    "EventLoopLagCritical": process("fifo", "function readSlowFile"),
    "EventLoopLagHigh": process("busy", "function burn"),
    "EventLoopStallsFrequent": process("busy", "function burn"),
    "EventLoopSaturated": process("busy", "function burn"),
    "EventLoopStarved": process("starved", "cause starved, function "),
    "EventLoopBlockedInSystemCall": process("fifo", "function readSlowFile"),
    "EventLoopBacklogNearLimit": process(
        "compute", "function sumTo", resolved_within=ROLLING_MINUTE + 20
    ),
    "EventLoopBacklogOverflowing": Expected(
        {"instance": "watcher"}, "Full in the last minute: compute"
    ),
    "EventLoopBacklogFullLoopHealthy": process("backlog", "65 connections waiting"),
    # Turns are too short to be stalls: nobody is a culprit, the phase is known.
    "EventLoopBusyInShortTurns": process("short-turns", "of all time goes to phase"),
    "EventLoopConnectionsUnread": process("unread", "at least 20 connections"),
    "EventLoopTargetVanished": process("vanishing", "no process of that name"),
    "LoopscopeSourceFailing": Expected(
        {"instance": "blind", "source": "uv_stack"}, "Source uv_stack"
    ),
    "LoopscopeDown": Expected({"instance": "blind"}, "no scrape from Loopscope"),
    "EventLoopLagBudgetBurnFast": process("busy", "function burn"),
    # Its short window is half an hour, half a minute here.
    "EventLoopLagBudgetBurnSlow": process("busy", "function burn", resolved_within=60),
}

# Alerts that no scenario raises, and why.
WITHOUT_SCENARIO = {}


def allow_many_files():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))


class AlertsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        allow_many_files()
        cls.run_ = AlertScenarios()
        cls.addClassCleanup(cls.run_.close)
        cls.run_.run()
        cls.prometheus = cls.run_.prometheus
        cls.webhook = cls.run_.stack.webhook
        cls.healed = time.time()

    def test_every_alert_has_a_scenario_or_a_reason(self):
        rules = set(alerts_of(self.prometheus.rules))
        self.assertEqual(set(EXPECTED) | set(WITHOUT_SCENARIO), rules)
        self.assertFalse(set(EXPECTED) & set(WITHOUT_SCENARIO))

    def test_fires_in_time(self):
        for alert, expected in EXPECTED.items():
            with self.subTest(alert):
                delivery = self.run_.wait_firing(alert, **expected.labels)
                begin = self.run_.since[alert]
                since = true_since(
                    self.prometheus, alert, delivery.labels, delivery.at, begin
                )
                wait = for_seconds(self.prometheus, alert)
                allowed = wait + 2 * self.prometheus.interval + DELIVERY_SECONDS
                took = delivery.at - since
                print(
                    f"{alert:32} true {since - begin:5.1f} s after the scenario began,"
                    f" at the webhook {took:5.2f} s later (for {wait:5.2f}, allowed {allowed:5.2f})"
                )
                self.assertLessEqual(took, allowed)

    def test_says_who_blocks(self):
        for alert, expected in EXPECTED.items():
            with self.subTest(alert):
                delivery = self.run_.wait_firing(alert, **expected.labels)
                self.assertIn(expected.says, delivery.annotations["description"])
                self.assertTrue(
                    delivery.annotations["runbook_url"].endswith(f"runbooks/{alert}.md")
                )

    def test_says_which_process(self):
        delivery = self.run_.wait_firing("EventLoopBusyInShortTurns", process="short-turns")
        self.assertIn(
            f"(slot 0, pid {self.run_.short_turns.pid}, seen by watcher)",
            delivery.annotations["description"],
        )

    def test_calls_only_an_idle_loop_fine(self):
        told = self.webhook.deliveries("EventLoopBacklogFullLoopHealthy")
        self.assertEqual({it.labels["process"] for it in told}, {"backlog"})

    def test_resolves(self):
        for alert, expected in EXPECTED.items():
            with self.subTest(alert):
                left = expected.resolved_within + self.healed - time.time()
                delivery = self.run_.wait_resolved(alert, max(left, 0), **expected.labels)
                print(f"{alert:32} over {delivery.at - self.healed:5.1f} s after the last healing")

    def test_spares_the_healthy(self):
        """Sums on a worker thread raise nothing about the server's loop."""
        names = {delivery.name for delivery in self.webhook.deliveries(process="worker")}
        # A crowded machine may starve anybody.
        self.assertEqual(names - {"EventLoopStarved"}, set())

    def test_recording_rules_have_rows(self):
        for name in records_of(self.prometheus.rules):
            with self.subTest(name):
                self.check_rows(name, instant=False)

    def test_panels_have_rows(self):
        interval = self.prometheus.interval
        queries = list(
            panel_queries(
                rate_interval=f"{4 * interval:.0f}s",
                time_range="60s",
                interval=f"{round(1000 * interval)}ms",
            )
        )
        self.assertGreater(len(queries), 20)
        for query in queries:
            with self.subTest(f"{query.dashboard}: {query.panel} {query.ref_id}"):
                self.check_rows(query.expr, query.instant)

    def check_rows(self, expression, instant):
        """Rows, and in them numbers, while every scenario was on: ill programs have them all."""
        end = self.run_.busy_ended
        if instant:
            values = [value for _, value in self.prometheus.query(expression, end)]
        else:
            begin = self.run_.since["EventLoopLagHigh"]
            step = self.prometheus.interval
            rows = self.prometheus.query_range(expression, begin, end, step)
            values = [value for _, points in rows for _, value in points]
        self.assertTrue(values, f"no rows: {expression}")
        wrong = sum(math.isnan(value) for value in values)
        self.assertEqual(wrong, 0, f"{wrong} of {len(values)} values are NaN: {expression}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
