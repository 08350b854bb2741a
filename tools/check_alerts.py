#!/usr/bin/env python3
"""Checks the alert rules, their tests, their runbooks and what docs/alerts.md says of them.

    tools/check_alerts.py [REPOSITORY]      exit code 1 and one line per violation

promtool is taken from PATH, else from $LOOPSCOPE_FIXTURES/bin, else build/fixtures/bin.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
RULES = "dashboards/alerts/loopscope.rules.yaml"
TESTS = "dashboards/alerts/tests"
ALERTMANAGER = "dashboards/alerts/alertmanager.example.yaml"
RUNBOOKS = "docs/runbooks"
DOC = "docs/alerts.md"
CATALOGUE = "docs/metrics.md"

SEVERITIES = {"page", "warning"}
ANNOTATIONS = {"summary", "description", "runbook_url", "dashboard"}
# By these people find what an alert is about; the labels may be missing, the text may not.
PLACES = ("namespace", "pod", "node", "instance")
HEADINGS = ("Meaning", "Impact", "Diagnosis", "Mitigation")
OWN_METRIC = re.compile(r"(?<![\w:])(?:eventloop|loopscope|process)_\w+(?![\w:])")
RECORDED = re.compile(r"\b[a-z]+:[\w:]+")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
# Labels that Prometheus adds, and those of rules in general.
COMMON_LABELS = {"job", "instance", "le", "severity", "alertname", "alertstate"}
# Of every series of a process: `pid` if asked for, the last ones where it runs in a container.
PROCESS_LABELS = {"process", "slot", "pid", "namespace", "pod", "container", "container_id", "pod_uid"}


class Catalogue:
    """The metrics and labels that docs/metrics.md, generated from the code, lists."""

    ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| \w* \| ([^|]*) \|", re.MULTILINE)

    def __init__(self, text):
        self.series = {"up"}
        self.labels = PROCESS_LABELS | {"loop"} | COMMON_LABELS
        for name, kind, labels in self.ROW.findall(text):
            suffixes = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
            self.series.update(name + suffix for suffix in suffixes)
            self.labels.update(re.findall(r"`(\w+)`", labels))


def find_promtool():
    fixtures = os.environ.get("LOOPSCOPE_FIXTURES", REPOSITORY / "build" / "fixtures")
    found = shutil.which("promtool") or shutil.which("promtool", path=f"{fixtures}/bin")
    if not found:
        sys.exit("error: promtool is missing; run tools/setup.sh test")
    return found


class Checker:
    def __init__(self, root):
        self.root = root
        self.promtool = find_promtool()
        self.problems = []
        self.catalogue = Catalogue((root / CATALOGUE).read_text())
        groups = yaml.safe_load((root / RULES).read_text())["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        self.alerts = {rule["alert"]: rule for rule in rules if "alert" in rule}
        self.records = {rule["record"]: rule for rule in rules if "record" in rule}

    def problem(self, where, text):
        self.problems.append(f"{where}: {text}")

    def run_promtool(self, *arguments):
        done = subprocess.run(
            [self.promtool, *arguments], capture_output=True, text=True, timeout=300, check=False
        )
        return done.returncode == 0, (done.stdout + done.stderr).strip()

    def check_rules(self):
        fine, output = self.run_promtool(
            "check", "rules", "--lint=all", "--lint-fatal", str(self.root / RULES)
        )
        if not fine:
            self.problem(RULES, f"refused by promtool:\n{output}")
        for rule in (*self.alerts.values(), *self.records.values()):
            self.check_query(f"{RULES}: {rule.get('alert') or rule['record']}", rule["expr"])
        for name, rule in self.alerts.items():
            where = f"{RULES}: {name}"
            if rule.get("labels", {}).get("severity") not in SEVERITIES:
                self.problem(where, f"severity is none of {', '.join(sorted(SEVERITIES))}")
            annotations = rule.get("annotations", {})
            for missing in sorted(ANNOTATIONS - annotations.keys()):
                self.problem(where, f"no annotation {missing}")
            texts = annotations.get("summary", ""), annotations.get("description", "")
            for place in PLACES:
                if not all(f"$labels.{place}" in text for text in texts):
                    self.problem(where, f"summary or description does not say the {place}")
            if not annotations.get("runbook_url", "").endswith(f"/runbooks/{name}.md"):
                self.problem(where, "runbook_url is not its own runbook")

    def check_query(self, where, query):
        """Names and bounds that do not exist match nothing, and nobody is told."""
        bare = QUOTED.sub('""', query)
        for name in OWN_METRIC.findall(bare):
            if name not in self.catalogue.series:
                self.problem(where, f"no metric {name}")
        for name in RECORDED.findall(bare):
            if name not in self.records:
                self.problem(where, f"no recording rule {name}")
        labels = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", query)
        for names in re.findall(r"\b(?:by|without|on|ignoring|group_left)\s*\(([^)]*)\)", bare):
            labels += re.findall(r"\w+", names)
        for label in labels:
            if label not in self.catalogue.labels:
                self.problem(where, f"no label {label}")
        # OpenMetrics writes le="1.0" where the text format has le="1".
        for bound in re.findall(r'\ble\s*=~?\s*"([^"]*)"', query):
            if not re.fullmatch(r"0\.\d*[1-9]|\d+\.\d*[1-9]|\+Inf", bound):
                self.problem(where, f'le="{bound}" is not written alike in every format')

    def check_tests(self):
        files = sorted((self.root / TESTS).glob("*.yaml"))
        fine, output = self.run_promtool("test", "rules", *map(str, files))
        if not fine:
            self.problem(TESTS, f"promtool:\n{output}")
        fires, quiet, expressions = set(), set(), []
        for file in files:
            for test in yaml.safe_load(file.read_text())["tests"]:
                for case in test.get("alert_rule_test", []):
                    (fires if case.get("exp_alerts") else quiet).add(case["alertname"])
                expressions += [case["expr"] for case in test.get("promql_expr_test", [])]
        for name in self.alerts:
            if name not in fires:
                self.problem(TESTS, f"no test in which {name} fires")
            if name not in quiet:
                self.problem(TESTS, f"no test in which {name} does not fire")
        for name in sorted((fires | quiet) - self.alerts.keys()):
            self.problem(TESTS, f"tests {name}, which is no alert")
        tested = {name for text in expressions for name in RECORDED.findall(QUOTED.sub("", text))}
        for name in self.records.keys() - tested:
            self.problem(TESTS, f"no promql_expr_test of {name}")

    def check_runbooks(self):
        blocks = []
        files = {file.stem: file for file in (self.root / RUNBOOKS).glob("*.md")}
        for name in sorted(self.alerts.keys() - files.keys()):
            self.problem(RUNBOOKS, f"no runbook {name}.md")
        for name in sorted(files.keys() - self.alerts.keys()):
            self.problem(RUNBOOKS, f"{name}.md is of no alert")
        for name, file in sorted(files.items()):
            where = f"{RUNBOOKS}/{name}.md"
            text = file.read_text()
            if not text.startswith(f"# {name}\n"):
                self.problem(where, f"does not begin with the heading {name}")
            headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
            for missing in [heading for heading in HEADINGS if heading not in headings]:
                self.problem(where, f"no heading {missing}")
            blocks += self.read_blocks(where, text)
            if not re.search(r"^```promql$", text, re.MULTILINE):
                self.problem(where, "no query")
        blocks += self.read_blocks(DOC, (self.root / DOC).read_text())
        for where, block in blocks:
            self.check_query(where, block)
        self.check_syntax(blocks)

    @staticmethod
    def read_blocks(where, text):
        found = re.finditer(r"^```promql\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        return [
            (f"{where}:{text.count(chr(10), 0, match.start()) + 2}", match.group(1))
            for match in found
        ]

    def check_syntax(self, blocks):
        """Each block becomes a recording rule: promtool 2.42 parses queries only in rules."""
        if self.parse_all(blocks)[0]:
            return
        for where, block in blocks:
            fine, output = self.parse_all([(where, block)])
            if not fine:
                self.problem(where, f"promtool:\n{output}")

    def parse_all(self, blocks):
        rules = [{"record": "checked", "expr": block} for _, block in blocks]
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / "blocks.yaml"
            file.write_text(yaml.safe_dump({"groups": [{"name": "blocks", "rules": rules}]}))
            return self.run_promtool("check", "rules", "--lint=none", str(file))

    def check_docs(self):
        text = (self.root / DOC).read_text()
        for name, rule in self.alerts.items():
            row = re.search(rf"^\| \[{name}\]\(runbooks/{name}\.md\) \|(.*)$", text, re.MULTILINE)
            if not row:
                self.problem(DOC, f"no row of {name}")
                continue
            cells = [cell.strip() for cell in row.group(1).split("|")]
            severity = rule.get("labels", {}).get("severity")
            if severity not in cells or rule.get("for") not in cells:
                self.problem(DOC, f"{name} is {severity} after {rule.get('for')}")
        for name in re.findall(r"^\| \[(\w+)\]\(runbooks/", text, re.MULTILINE):
            if name not in self.alerts:
                self.problem(DOC, f"{name} is no alert")
        matched = re.findall(r"\b(?:EventLoop|Loopscope)\w+", (self.root / ALERTMANAGER).read_text())
        for name in sorted(set(matched) - self.alerts.keys() - {"Loopscope"}):
            self.problem(ALERTMANAGER, f"{name} is no alert")

    def run(self):
        self.check_rules()
        self.check_tests()
        self.check_runbooks()
        self.check_docs()
        return self.problems


def main():
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else REPOSITORY
    problems = Checker(root).run()
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
