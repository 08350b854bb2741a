#!/usr/bin/env python3
"""Rules in fast motion: durations are divided, everything else stays."""

import unittest

from harness.compressed_rules import compress_expression, compress_rules, duration_of, seconds_of
from harness.prometheus_server import RULES

FACTOR = 60


class CompressedRulesTest(unittest.TestCase):
    def check(self, expression, expected):
        self.assertEqual(compress_expression(expression, FACTOR), expected)

    def test_windows(self):
        self.check("rate(a[5m]) > 0.05", "rate(a[5000ms]) > 0.05")
        self.check("rate(a[1h30m])", "rate(a[90000ms])")
        self.check("max_over_time(a[1h:1m])", "max_over_time(a[60000ms:1000ms])")
        self.check("avg_over_time(rate(a[5m])[1h:])", "avg_over_time(rate(a[5000ms])[60000ms:])")
        self.check("max_over_time(b[1h:])", "max_over_time(b[60000ms:])")

    def test_offsets(self):
        self.check("a offset 1h", "a offset 60000ms")
        self.check("rate(a[5m] offset -1m)", "rate(a[5000ms] offset -1000ms)")

    def test_what_is_no_duration(self):
        for same in (
            'a{le="0.1",window="1m"} > 60',
            "loop:eventloop_utilization:ratio_rate5m > 0.9",
            'label_replace(a, "b", "[5m]", "c", "offset 5m")',
            "a{b='[5m]'}",
            "14.4 * 0.001",
        ):
            self.check(same, same)

    def test_durations(self):
        self.assertEqual(seconds_of("1d2h3m4s5ms"), 86400 + 7200 + 180 + 4 + 0.005)
        self.assertEqual(duration_of(0.25), "250ms")
        with self.assertRaises(ValueError):
            seconds_of("5")

    def test_rules(self):
        rules = compress_rules(
            """
groups:
  - name: one
    interval: 30s
    rules:
      - {record: "a:b:rate5m", expr: "rate(b[5m])"}
      - alert: A
        expr: a > 1
        for: 2m
        annotations: {description: "for 2m or longer"}
""",
            FACTOR,
        )
        group = rules["groups"][0]
        self.assertEqual(group["interval"], "500ms")
        self.assertEqual(group["rules"][0], {"record": "a:b:rate5m", "expr": "rate(b[5000ms])"})
        self.assertEqual(group["rules"][1]["for"], "2000ms")
        self.assertEqual(group["rules"][1]["annotations"]["description"], "for 2m or longer")

    def test_shipped_rules_have_no_long_window_left(self):
        rules = compress_rules(RULES.read_text(encoding="utf-8"), FACTOR)
        for group in rules["groups"]:
            for rule in group["rules"]:
                self.assertNotRegex(rule["expr"], r"\[(?!\d+ms[\]:])")


if __name__ == "__main__":
    unittest.main(verbosity=2)
