#!/usr/bin/env python3
"""What the chart is made of: links into the repository that packages contain whole, versions,
the written table of values, pinned packages; and that uninstalling leaves nothing."""

import json
import os
import pathlib
import re
import stat
import subprocess
import sys
import tarfile
import tempfile
import unittest

import yaml

import chart
from cases import CASES, MONITORING, MONITORING_ELSEWHERE
from chart import REPO_DIR, find, pod_spec, render
from harness.npm_lock import assert_pinned

RULES = REPO_DIR / "dashboards" / "alerts" / "loopscope.rules.yaml"
DASHBOARDS = REPO_DIR / "dashboards"
ALL = {**CASES, "monitoring": MONITORING}


def setUpModule():  # pylint: disable=invalid-name
    chart.require_platform()


class MonitoringTest(unittest.TestCase):
    def test_rules_are_the_tested_ones(self):
        rule = find(render(MONITORING), "PrometheusRule")
        self.assertEqual(rule["spec"], yaml.safe_load(RULES.read_text()))
        self.assertEqual(rule["metadata"]["labels"]["release"], "kube-prometheus-stack")

    def test_links_in_rules(self):
        spec = find(render(MONITORING_ELSEWHERE), "PrometheusRule")["spec"]
        text = json.dumps(spec)
        self.assertNotIn("externalLabels", text)
        for group in spec["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    self.assertEqual(
                        rule["annotations"]["runbook_url"],
                        f"https://wiki.example.org/loopscope/runbooks/{rule['alert']}.md",
                    )
                    self.assertTrue(
                        rule["annotations"]["dashboard"].startswith("https://grafana.example.org/d/")
                    )
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory, "rules.json")
            path.write_text(text)
            done = subprocess.run(
                [chart.env.tool("promtool"), "check", "rules", path],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_dashboards_are_the_tested_ones(self):
        maps = [m for m in render(MONITORING) if m["kind"] == "ConfigMap"]
        have = {}
        for config_map in maps:
            self.assertEqual(config_map["metadata"]["labels"]["grafana_dashboard"], "1")
            self.assertEqual(config_map["metadata"]["labels"]["team"], "platform")
            self.assertEqual(config_map["metadata"]["annotations"], {"grafana_folder": "Loopscope"})
            self.assertLess(len(json.dumps(config_map)), 1 << 20, "the limit of a ConfigMap")
            self.assertEqual(len(config_map["data"]), 1)
            have.update(config_map["data"])
        want = {f"loopscope-{path.name}": path for path in DASHBOARDS.glob("*.json")}
        self.assertEqual(set(have), set(want))
        for name, path in want.items():
            self.assertEqual(json.loads(have[name]), json.loads(path.read_text()))
        elsewhere = [m for m in render(MONITORING_ELSEWHERE) if m["kind"] == "ConfigMap"]
        for config_map in elsewhere:
            self.assertEqual(config_map["metadata"]["labels"]["dashboards"], "yes")

    def test_a_package_has_the_files_not_the_links(self):
        for major in chart.HELMS:
            with self.subTest(helm=major), tempfile.TemporaryDirectory() as directory:
                done = chart.helm(major, "package", chart.CHART, "-d", directory)
                self.assertEqual(done.returncode, 0, done.stderr)
                (archive,) = pathlib.Path(directory).iterdir()
                with tarfile.open(archive) as tar:
                    self.assertTrue(all(member.isfile() for member in tar))
                    rules = tar.extractfile("loopscope/files/loopscope.rules.yaml").read()
                self.assertEqual(rules, RULES.read_bytes())


class UninstallTest(unittest.TestCase):
    """Helm removes what it made, unless it is told to keep it, a hook made it, or it is a
    definition in crds/; and Loopscope has no right to make anything itself."""

    def test_nothing_is_left(self):
        self.assertFalse((chart.CHART / "crds").exists())
        for name, values in ALL.items():
            for manifest in render(values):
                with self.subTest(case=name, what=manifest["metadata"]["name"]):
                    annotations = manifest["metadata"].get("annotations", {})
                    self.assertFalse([key for key in annotations if key.startswith("helm.sh/")])
                    self.assertNotIn(
                        manifest["kind"],
                        {"CustomResourceDefinition", "Namespace", "PersistentVolumeClaim"},
                    )
                    self.assertNotIn("Role", manifest["kind"], "no right on the API is needed")
                    if manifest["kind"].startswith("MutatingAdmissionPolicy"):
                        self.assertNotIn("namespace", manifest["metadata"])
                    else:
                        where = values.get("namespaceOverride", "monitoring")
                        self.assertEqual(manifest["metadata"]["namespace"], where)
                    spec = pod_spec(manifest) or {}
                    self.assertIn(spec.get("automountServiceAccountToken"), (None, False))

    def test_no_two_objects_of_one_name(self):
        for name, values in ALL.items():
            with self.subTest(name):
                ids = [(m["kind"], m["metadata"]["name"]) for m in render(values)]
                self.assertEqual(len(ids), len(set(ids)))


class DemoTest(unittest.TestCase):
    def test_the_load_asks_what_it_says(self):
        """Its script, with a wget that only writes down what it is asked for."""
        job = find(render(CASES["demo-restricted"]), "Job")
        container = pod_spec(job)["containers"][0]
        script = container["args"][0].replace("-lt 60 ]", "-lt 2 ]")
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for name, text in (("wget", 'for url; do :; done; echo "$url" >>urls'), ("sleep", ":")):
                (root / name).write_text(f"#!/bin/sh\n{text}\n")
                (root / name).chmod(stat.S_IRWXU)
            done = subprocess.run(
                [*container["command"], script],
                env={"PATH": f"{root}:{os.environ['PATH']}"},
                cwd=root,
                timeout=30,
                check=False,
            )
            self.assertEqual(done.returncode, 0)
            urls = (root / "urls").read_text().split()
        server = "http://release-watcher-demo:8080"
        service = find(render(CASES["demo-restricted"]), "Service")
        self.assertEqual(service["metadata"]["name"], "release-watcher-demo")
        self.assertEqual(urls.count(f"{server}/compute?ms=20&strategy=inline"), 2)
        self.assertEqual(urls.count(f"{server}/"), 1 + 2 * 9)
        self.assertEqual(len(urls), 21)


class RepositoryTest(unittest.TestCase):
    def test_versions(self):
        cmake = (REPO_DIR / "CMakeLists.txt").read_text()
        version = re.search(r"project\(loopscope VERSION (\S+)", cmake)[1]
        about = yaml.safe_load((chart.CHART / "Chart.yaml").read_text())
        self.assertEqual(about["appVersion"], version)
        self.assertEqual(about["version"], version)

    def test_readme_is_what_the_values_say(self):
        done = chart.call([sys.executable, REPO_DIR / "tools" / "chart_readme.py", "--check"])
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_schema_knows_the_keys_of_the_configuration(self):
        schema = json.loads((chart.CHART / "values.schema.json").read_text())
        known = set(schema["definitions"]["config"]["properties"])
        document = (REPO_DIR / "docs" / "configuration.md").read_text().split("**Durations**")[0]
        keys = set(re.findall(r"^\| `([a-z_]+)` \|", document, re.MULTILINE))
        self.assertEqual(known, keys - {"listen", "log_format", "web_config"})

    def test_every_value_has_a_schema(self):
        schema = json.loads((chart.CHART / "values.schema.json").read_text())
        values = yaml.safe_load((chart.CHART / "values.yaml").read_text())

        def compare(values, part, path):
            if "$ref" in part:
                part = schema["definitions"][part["$ref"].removeprefix("#/definitions/")]
            properties = part.get("properties")
            if properties is None or not isinstance(values, dict):
                return
            self.assertIs(part.get("additionalProperties"), False, path)
            for key, value in values.items():
                self.assertIn(key, properties, path)
                if isinstance(properties[key], dict):
                    compare(value, properties[key], f"{path}.{key}")

        compare(values, schema, "")
        self.assertEqual(set(values), set(schema["properties"]))

    def test_packages_are_pinned_and_from_nowhere_special(self):
        assert_pinned(self, chart.HERE)


if __name__ == "__main__":
    unittest.main()
