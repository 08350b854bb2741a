#!/usr/bin/env python3
"""Every query in the runbooks, the documentation and the README, under a real Prometheus with the
shipped rules, against an exporter as it is without settings: it has rows.

Comparisons are asked for as values (`> bool 1`): a healthy program is under every threshold, but a
metric, label or bound that an exporter does not have by default leaves nothing in either case."""

import re
import sys
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.polling import wait_until
from harness.prometheus_server import RULES
from harness.scraper import Scraper

sys.path.insert(0, str(env.REPO_DIR / "tests" / "dashboards"))
from catalogue import read_catalogue  # noqa: E402
from promql import parts  # noqa: E402

NODE = "22"
# Serves, and is blocked for a while again and again: computing, and asleep.
SERVER = """
'use strict';
require('http').createServer((_, answer) => answer.end()).listen(0, '127.0.0.1');
function compute(end) { while (Date.now() < end); }
setInterval(() => {
  compute(Date.now() + 300);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
}, 1500);
setInterval(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150), 700);
"""
# What no test can bring about at will, and what stands for it: the same series otherwise.
STANDS_FOR = {'cause="starved"': 'cause="blocked"'}
# A quantile between bounds further apart than these is a guess.
FEWEST_BOUNDS = 8

FENCED = re.compile(r"^```promql\n(.*?)^```$", re.M | re.S)
IN_TABLE = re.compile(r"^\| [^|]*\? \| `(.+)` \|$", re.M)
COMPARISON = re.compile(r'("[^"]*"|\{[^{}]*\})|(==|!=|>=|<=|>|<)(?!\s*bool)')


def documented_queries():
    """(file:line, query)"""
    files = [env.REPO_DIR / "README.md"]
    for folder in ("docs", "helm/loopscope", "examples", "dashboards"):
        files += sorted((env.REPO_DIR / folder).rglob("*.md"))
    for file in files:
        text = file.read_text(encoding="utf-8")
        for found in [*FENCED.finditer(text), *IN_TABLE.finditer(text)]:
            line = text.count("\n", 0, found.start()) + 1
            where = f"{file.relative_to(env.REPO_DIR)}:{line}"
            for query in re.split(r"^#.*\n", found.group(1), flags=re.M):
                if query.strip():
                    yield where, query.strip()


def as_values(query):
    for what, instead in STANDS_FOR.items():
        query = query.replace(what, instead)
    return COMPARISON.sub(lambda m: m.group(1) or f"{m.group(2)} bool", query)


class DocumentedQueriesTest(EndToEndCase):
    def test_each_has_rows(self):
        folder = self.temporary_directory()
        (folder / "shop.js").write_text(SERVER)
        target = self.spawn(env.node(NODE), folder / "shop.js")
        loopscope = self.loopscope("--pid", target.pid)
        loopscope.wait_for_loop(target.pid)
        exporter = f"127.0.0.1:{loopscope.port}"
        prometheus = self.adopt(Scraper(folder / "prometheus", exporter, rules=RULES))
        queries = list(documented_queries())
        self.assertGreater(len(queries), 40)
        left = dict.fromkeys(queries)

        def all_have_rows():
            for each in list(left):
                if prometheus.query(as_values(each[1])):
                    del left[each]
            return not left

        try:
            wait_until(all_have_rows, 45, "rows of every query")
        except AssertionError:
            self.fail("no rows:\n" + "\n".join(f"{where}: {query}" for where, query in left))

        # Prometheus leaves out labels that are empty now, so those of the documentation count, too.
        catalogue = read_catalogue()
        labels = {}
        for where, query in queries:
            named = parts(as_values(query))
            for metric in named.metrics - labels.keys():
                labels[metric] = set().union(*(have for have, _ in prometheus.query(metric)))
                if metric in catalogue:
                    labels[metric] |= catalogue[metric].labels
            known = set().union(*(labels[metric] for metric in named.metrics))
            self.assertEqual(named.labels - known, set(), f"{where}: no such label here: {query}")
            for metric in re.findall(r"histogram_quantile\(.*?(\w+_bucket)", query, re.S):
                bounds = prometheus.query(f"count(count by (le) ({metric}))")[0][1]
                self.assertGreaterEqual(bounds, FEWEST_BOUNDS, f"{where}: a quantile of {metric}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
