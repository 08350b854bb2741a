"""Proves that tools/check_alerts.py fails where it must."""

import pathlib
import re
import shutil
import sys
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tools"))

import check_alerts  # noqa: E402

RULES = check_alerts.RULES
DOC = check_alerts.DOC
WATCH_TEST = check_alerts.TESTS + "/watch.yaml"
RUNBOOK = check_alerts.RUNBOOKS + "/LoopscopeDown.md"


class CheckAlertsTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        for path in ("dashboards/alerts", check_alerts.RUNBOOKS):
            shutil.copytree(REPOSITORY / path, self.root / path)
        for path in (DOC, check_alerts.CATALOGUE):
            shutil.copy(REPOSITORY / path, self.root / path)

    def change(self, path, old, new, count=1):
        """Replaces `old`, a regular expression that must be there."""
        file = self.root / path
        text, changes = re.subn(old, lambda _: new, file.read_text(), count, re.DOTALL)
        self.assertGreater(changes, 0, f"{old} is not in {path}")
        file.write_text(text)

    def problems(self, *steps):
        checker = check_alerts.Checker(self.root)
        for step in steps:
            getattr(checker, step)()
        return "\n".join(checker.problems)

    def test_copy_is_fine(self):
        steps = ("check_rules", "check_tests", "check_runbooks", "check_docs")
        self.assertEqual(self.problems(*steps), "")

    def test_rules(self):
        for old, new, expected in (
            ("eventloop_blocked_seconds > 1", "eventloop_blocked_secs > 1", "no metric eventloop_blocked_secs"),
            ("eventloop_blocked_seconds > 1", "eventloop_blocked_seconds >> 1", "refused by promtool"),
            ("loop:eventloop_late_500ms:ratio_rate2m >", "loop:gone:rate2m >", "no recording rule loop:gone:rate2m"),
            ('cause="starved"', 'reason="starved"', "no label reason"),
            ('le="0.1"', 'le="1"', 'le="1" is not written alike'),
            ('le="0.1"', 'le="1.0"', 'le="1.0" is not written alike'),
            ("severity: page", "severity: loud", "EventLoopBlocked: severity is none of"),
            ("summary:", "title:", "EventLoopBlocked: no annotation summary"),
            ("$labels.namespace", "$labels.container", "EventLoopBlocked: summary or description does not say the namespace"),
            ("runbooks/EventLoopBlocked.md", "runbooks/Other.md", "EventLoopBlocked: runbook_url is not"),
        ):
            with self.subTest(new=new):
                shutil.copy(REPOSITORY / RULES, self.root / RULES)
                self.change(RULES, re.escape(old), new)
                self.assertIn(expected, self.problems("check_rules"))

    def test_a_rule_that_means_something_else(self):
        self.change(RULES, "eventloop_blocked_seconds > 1", "eventloop_blocked_seconds > 100")
        self.assertIn("EventLoopBlocked", self.problems("check_tests"))

    def test_alert_that_no_test_fires(self):
        self.change(WATCH_TEST, r"      - eval_time: 16m\n        alertname: LoopscopeDown.*?\n\n", "\n")
        self.assertEqual(
            self.problems("check_tests"), f"{check_alerts.TESTS}: no test in which LoopscopeDown fires"
        )

    def test_alert_that_no_test_leaves_quiet(self):
        self.change(WATCH_TEST, r"      - \{ eval_time: \w+, alertname: LoopscopeDown, [^\n]*\n", "", 0)
        self.assertEqual(
            self.problems("check_tests"),
            f"{check_alerts.TESTS}: no test in which LoopscopeDown does not fire",
        )

    def test_recording_rule_without_a_test(self):
        self.change(check_alerts.TESTS + "/slo.yaml", r"ratio_rate6h", "ratio_rate30m", 0)
        self.assertIn(
            "no promql_expr_test of process:eventloop_late_100ms:ratio_rate6h",
            self.problems("check_tests"),
        )

    def test_runbooks(self):
        for old, new, expected in (
            ("# LoopscopeDown", "# Down", "does not begin with the heading LoopscopeDown"),
            ("## Impact", "### Impact", "no heading Impact"),
            ("## Mitigation\n", "", "no heading Mitigation"),
            ("up == 0 and on", "up == 0 and onto", "LoopscopeDown.md:18: promtool"),
            ("loopscope_build_info[", "loopscope_build[", "LoopscopeDown.md:18: no metric loopscope_build"),
            ("```promql", "```", "LoopscopeDown.md: no query"),
        ):
            with self.subTest(new=new):
                shutil.copy(REPOSITORY / RUNBOOK, self.root / RUNBOOK)
                self.change(RUNBOOK, re.escape(old), new, 0)
                self.assertIn(expected, self.problems("check_runbooks"))

    def test_runbook_missing_or_left_over(self):
        (self.root / RUNBOOK).rename(self.root / check_alerts.RUNBOOKS / "Gone.md")
        problems = self.problems("check_runbooks")
        self.assertIn("no runbook LoopscopeDown.md", problems)
        self.assertIn("Gone.md is of no alert", problems)

    def test_docs(self):
        for path, old, new, expected in (
            (DOC, "[LoopscopeDown](runbooks/LoopscopeDown.md)", "Loopscope down", "no row of LoopscopeDown"),
            (DOC, ".md) | page |", ".md) | warning |", "EventLoopBlocked is page after 30s"),
            (DOC, "| 30s |", "| 40s |", "EventLoopBlocked is page after 30s"),
            (check_alerts.ALERTMANAGER, "EventLoopSaturated", "EventLoopBusy", "EventLoopBusy is no alert"),
        ):
            with self.subTest(new=new):
                for file in (DOC, check_alerts.ALERTMANAGER):
                    shutil.copy(REPOSITORY / file, self.root / file)
                self.change(path, re.escape(old), new)
                self.assertIn(expected, self.problems("check_docs"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
