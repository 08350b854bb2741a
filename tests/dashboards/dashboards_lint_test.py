#!/usr/bin/env python3
"""The committed dashboards keep the rules, equal what their generator writes, and every
query in them parses. Each rule is shown a dashboard that breaks it, too."""

import copy
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import dashboard_rules
import panel_queries
from catalogue import read_catalogue
from promql import parts

sys.path.append(str(panel_queries.REPO_DIR / "tests" / "e2e"))
from harness import env  # pylint: disable=wrong-import-position
from harness.npm_lock import assert_pinned  # pylint: disable=wrong-import-position

FILES = {"loop-overview.json", "backlog.json"}


def load(name):
    return json.loads((panel_queries.DASHBOARD_DIR / name).read_text(encoding="utf-8"))


def check_with_promtool(expressions):
    """promtool's answer to a file of recording rules: (exit code, what it printed)."""
    rules = [{"record": f"panel:{i}", "expr": expr} for i, expr in enumerate(expressions)]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "queries.rules.yaml"
        # JSON is YAML.
        path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
        done = subprocess.run(
            [env.tool("promtool"), "check", "rules", str(path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    return done.returncode, done.stdout + done.stderr


class CommittedDashboardsTest(unittest.TestCase):
    def test_both_are_there(self):
        self.assertEqual({path.name for path in panel_queries.dashboard_files()}, FILES)

    def test_they_keep_the_rules(self):
        for name in FILES:
            with self.subTest(name):
                self.assertEqual(dashboard_rules.problems(load(name)), [])

    def test_every_query_parses(self):
        queries = list(panel_queries.panel_queries(rate_interval="20s", time_range="10m"))
        self.assertGreater(len(queries), 30)
        for query in queries:
            self.assertNotIn("$", query.expr)
        code, output = check_with_promtool(query.expr for query in queries)
        self.assertEqual(code, 0, output)
        self.assertIn(f"{len(queries)} rules found", output)

    def test_they_are_what_the_generator_writes(self):
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run(
                [panel_queries.REPO_DIR / "tools" / "dashboards.sh", directory],
                check=True,
                timeout=300,
            )
            written = {path.name: path.read_bytes() for path in Path(directory).iterdir()}
        self.assertEqual(set(written), FILES)
        for name, content in written.items():
            committed = (panel_queries.DASHBOARD_DIR / name).read_bytes()
            self.assertTrue(
                committed == content, f"dashboards/{name} is not what `make dashboards` writes"
            )


class GeneratorTest(unittest.TestCase):
    def test_packages_are_pinned_and_from_nowhere_special(self):
        assert_pinned(self, panel_queries.DASHBOARD_DIR / "generator")


class RulesCanFailTest(unittest.TestCase):
    """One broken dashboard per thing that a rule looks at."""

    def setUp(self):
        self.overview = load("loop-overview.json")

    def panel(self, title):
        return next(p for p in panel_queries.all_panels(self.overview) if p["title"] == title)

    def target(self, title):
        return self.panel(title)["targets"][0]

    def variable(self, name):
        return next(v for v in self.overview["templating"]["list"] if v["name"] == name)

    def replace(self, title, old, new):
        target = self.target(title)
        self.assertIn(old, target["expr"])
        target["expr"] = target["expr"].replace(old, new)

    def assert_reported(self, rule, words):
        found = dashboard_rules.problems(self.overview)
        self.assertTrue(found, "nothing reported")
        for problem in found:
            self.assertTrue(problem.startswith(f"{rule}:"), problem)
        self.assertTrue(any(words in problem for problem in found), found)

    def test_identity(self):
        whole = copy.deepcopy(self.overview)
        for change in ({"uid": "other"}, {"id": 7}, {"__inputs": []}, {"version": 3}):
            with self.subTest(change):
                self.overview = {**copy.deepcopy(whole), **change}
                # The links to this very dashboard are checked against its uid as well.
                found = [p for p in dashboard_rules.problems(self.overview) if "identity" in p]
                self.assertEqual(len(found), 1, found)
        self.overview = whole
        del self.overview["id"]
        self.panel("Utilization")["id"] = 4
        self.panel("Time by phase")["title"] = "Utilization"
        self.assertEqual(len(dashboard_rules.problems(self.overview)), 3)

    def test_fixed_data_source(self):
        self.panel("Utilization")["datasource"] = {"type": "prometheus", "uid": "P1809F7CD0C75ACF3"}
        self.assert_reported("data_sources", '"Utilization"')

    def test_data_source_of_a_query(self):
        del self.target("Utilization")["datasource"]
        self.assert_reported("data_sources", "a query of")

    def test_no_data_source_variable(self):
        self.variable("datasource")["query"] = "loki"
        self.assert_reported("data_sources", "no variable")

    def test_variable_of_one_value(self):
        self.variable("process")["multi"] = False
        self.assert_reported("variables", "multi is False")

    def test_variable_missing(self):
        self.overview["templating"]["list"].remove(self.variable("job"))
        self.assert_reported("variables", "no query variable `job`")

    def test_variable_without_regex(self):
        self.overview["annotations"]["list"][0]["expr"] = 'ALERTS{process="$process"}'
        self.assert_reported("variables", "needs process=~")

    def test_selector_left_out(self):
        self.replace("Time by phase", ', process=~"$process"', "")
        self.assert_reported("selection", "not limited to $process")

    def test_bare_metric(self):
        self.target("Largest lag of the last minute")["expr"] = "eventloop_lag_max_seconds"
        self.assert_reported("selection", "without a selector")

    def test_no_description(self):
        self.panel("Fleet")["description"] = ""
        self.assert_reported("texts", "no description")

    def test_no_unit(self):
        del self.panel("Fleet")["fieldConfig"]["defaults"]["unit"]
        self.assert_reported("texts", "no unit")

    def test_empty_panel_that_does_not_say_so(self):
        self.panel("Top blocking functions")["description"] = "Functions."
        self.assert_reported("texts", "Empty for a healthy process")

    def test_no_runbook(self):
        self.overview = json.loads(json.dumps(self.overview).replace("docs/runbooks/", "runbooks/"))
        self.assert_reported("texts", "no panel names a runbook")

    def test_runbook_that_does_not_exist(self):
        self.panel("Fleet")["description"] += " docs/runbooks/Nothing.md"
        with tempfile.TemporaryDirectory() as directory:
            with mock.patch.object(dashboard_rules, "RUNBOOKS", Path(directory)):
                self.assertTrue(
                    any("Nothing.md does not exist" in p for p in dashboard_rules.problems(self.overview))
                )

    def test_fixed_window(self):
        self.replace("Time by phase", "$__rate_interval", "5m")
        self.assert_reported("windows", "window 5m")

    def test_fixed_offset(self):
        self.replace("Stalls by cause", "offset $__rate_interval", "offset 1m")
        self.assert_reported("windows", "window 1m")

    def test_whole_range_on_a_line(self):
        self.replace("Time by phase", "$__rate_interval", "$__range")
        self.assert_reported("windows", "window $__range")

    def test_unknown_metric(self):
        self.replace("Time by phase", "eventloop_phase_seconds_total", "eventloop_phases_total")
        self.assert_reported("metrics", "no metric eventloop_phases_total")

    def test_histogram_without_suffix(self):
        self.replace("Lag heatmap", "eventloop_lag_seconds_bucket", "eventloop_lag_seconds")
        self.assertTrue(any("no metric" in p for p in dashboard_rules.problems(self.overview)))

    def test_unknown_label(self):
        self.replace("Time by phase", "by (phase)", "by (phases)")
        self.assert_reported("metrics", "a label phases")

    def test_rate_of_a_gauge(self):
        self.replace("Time by phase", "eventloop_phase_seconds_total", "eventloop_blocked_seconds")
        self.assertTrue(any("of the gauge" in p for p in dashboard_rules.problems(self.overview)))

    def test_link_that_loses_the_time(self):
        self.overview["links"][0]["keepTime"] = False
        self.assert_reported("links", "loopscope-backlog")

    def test_link_to_nowhere(self):
        self.overview["links"].append({"title": "x", "url": "/d/gone"})
        self.assert_reported("links", "gone")

    def test_expression_that_does_not_parse(self):
        code, output = check_with_promtool(["sum by (a) (b", "up"])
        self.assertNotEqual(code, 0, output)


class PartsTest(unittest.TestCase):
    def test_metrics_labels_and_windows(self):
        found = parts(
            'topk by (a) (1, label_join(x_total{job=~"$job", b!="y{"}, "where", ":", "file")) '
            "> bool 0.5 or on (c) rate(y_total[$__range]) unless z offset 5m"
        )
        self.assertEqual(found.metrics, {"x_total", "y_total", "z"})
        self.assertEqual(found.labels, {"a", "b", "c", "job"})
        self.assertEqual(found.windows, ["$__range"])
        self.assertEqual(found.offsets, ["5m"])

    def test_catalogue_is_read(self):
        catalogue = read_catalogue()
        self.assertEqual(catalogue["eventloop_lag_seconds_bucket"].type, "histogram")
        self.assertIn("phase", catalogue["eventloop_stalls_total"].labels)
        self.assertNotIn("process", catalogue["loopscope_targets"].labels)
        self.assertNotIn("eventloop_lag_seconds", catalogue)

    def test_unknown_variable_is_an_error(self):
        with self.assertRaises(KeyError):
            panel_queries.substitute("x[$__interval_ms]")


if __name__ == "__main__":
    unittest.main()
