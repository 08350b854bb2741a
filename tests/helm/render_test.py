#!/usr/bin/env python3
"""Every mode and option, on Helm 3 and 4: it lints, renders to what is expected, and the
schema refuses what is wrong."""

import copy
import sys
import unittest

import chart
from cases import CASES, MONITORING, MONITORING_ELSEWHERE
from wrong_values import WRONG

sys.path.append(str(chart.REPO_DIR / "tools"))
import chart_readme  # pylint: disable=wrong-import-position

ALL = {**CASES, "monitoring": MONITORING, "monitoring-elsewhere": MONITORING_ELSEWHERE}


def setUpModule():  # pylint: disable=invalid-name
    chart.require_platform()


class RenderTest(unittest.TestCase):
    maxDiff = None

    def test_lint(self):
        for major in chart.HELMS:
            for name, values in ALL.items():
                with self.subTest(helm=major, case=name):
                    done = chart.helm(major, "lint", "--strict", chart.CHART, values=values)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_golden(self):
        self.assertEqual({path.stem for path in chart.GOLDEN.iterdir()}, set(CASES))
        for major in chart.HELMS:
            for name, values in CASES.items():
                with self.subTest(helm=major, case=name):
                    want = (chart.GOLDEN / f"{name}.yaml").read_text()
                    self.assertEqual(
                        want, chart.template(major, values), "if that is wanted: `make chart`"
                    )

    def test_both_helms_render_the_long_ones_alike(self):
        for values in (MONITORING, MONITORING_ELSEWHERE):
            self.assertEqual(chart.template("3", values), chart.template("4", values))

    def test_labels_are_texts_whatever_the_release_is_called(self):
        """`n` and `123` are no strings in YAML."""

        def labels(node):
            if isinstance(node, list):
                for item in node:
                    yield from labels(item)
            elif isinstance(node, dict):
                for key, value in node.items():
                    if key in ("labels", "matchLabels") and isinstance(value, dict):
                        yield from value.items()
                    yield from labels(value)

        for release in ("n", "123", "true", "1e3"):
            for name in ("node", "demo", "injection"):
                found = list(labels(chart.objects(chart.template("4", CASES[name], release=release))))
                self.assertGreater(len(found), 4)
                wrong = [(key, value) for key, value in found if not isinstance(value, str)]
                self.assertEqual(wrong, [], f"{name} as {release}")

    def test_every_value_is_in_a_case(self):
        def leaves(values, path=()):
            for key, value in values.items():
                if isinstance(value, dict) and value:
                    yield from leaves(value, (*path, key))
                else:
                    yield (*path, key)

        used = {leaf for values in ALL.values() for leaf in leaves(values)}
        text = (chart.CHART / "values.yaml").read_text()
        for key, _ in chart_readme.described_keys(text):
            self.assertTrue(
                any(leaf[: len(key)] == key for leaf in used), f"{'.'.join(key)} is set in no case"
            )


class SchemaTest(unittest.TestCase):
    def test_wrong_values_are_refused_by_name(self):
        self.assertGreaterEqual(len(WRONG), 20)
        for major in chart.HELMS:
            for path, value in WRONG:
                *parents, key = path.split(".")
                values = {key: value}
                for parent in reversed(parents):
                    values = {parent: values}
                with self.subTest(helm=major, value=path):
                    done = chart.helm(major, "template", "r", chart.CHART, values=values)
                    self.assertNotEqual(done.returncode, 0)
                    self.assertIn("schema", done.stderr)
                    named = done.stderr[done.stderr.index("schema") :].replace("/", ".")
                    self.assertIn(key, named)
                    for parent in parents:
                        self.assertIn(parent, named)

    def test_a_parents_registry_is_that_of_the_image_unless_it_names_one(self):
        for repository, want in (
            ("loopscope", "registry.example.com/loopscope"),
            ("tools/loopscope", "registry.example.com/tools/loopscope"),
            ("mine.example.com/loopscope", "mine.example.com/loopscope"),
            ("localhost/loopscope", "localhost/loopscope"),
            ("host:5000/loopscope", "host:5000/loopscope"),
        ):
            values = copy.deepcopy(CASES["node"])
            values["global"] = {"imageRegistry": "registry.example.com", "anything": 1}
            values["image"] = {"repository": repository, "tag": "1"}
            daemon_set = chart.find(chart.objects(chart.template("4", values)), "DaemonSet")
            container = chart.loopscope_container(chart.pod_spec(daemon_set))
            self.assertEqual(container["image"], f"{want}:1")

    def test_all_objects_are_in_the_namespace_of_the_override(self):
        cluster_wide = ("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding")
        for name, values in ALL.items():
            for manifest in chart.render({**values, "namespaceOverride": "elsewhere"}):
                if manifest["kind"] not in cluster_wide:
                    where = manifest["metadata"].get("namespace")
                    self.assertEqual(where, "elsewhere", f"{name}: {manifest['kind']}")

    def test_nobody_could_scrape_loopback(self):
        values = {"listenAddress": "127.0.0.1", "podMonitor": {"enabled": True}}
        for major in chart.HELMS:
            done = chart.helm(major, "template", "r", chart.CHART, values=values)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("podMonitor.enabled", done.stderr)


if __name__ == "__main__":
    unittest.main()
