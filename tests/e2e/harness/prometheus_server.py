"""A real Prometheus on a free port, with the shipped rules in fast motion."""

import json
import math
import time
import urllib.parse
from pathlib import Path

import yaml

from harness import env
from harness.child import Child
from harness.compressed_rules import compress_rules, duration_of
from harness.http_client import HttpClient
from harness.past import write_past
from harness.polling import wait_until

RULES = env.REPO_DIR / "dashboards" / "alerts" / "loopscope.rules.yaml"
# What Prometheus and its users have by default, in seconds.
SCRAPE_SECONDS = 15
LOOKBACK_SECONDS = 300
PAST_SECONDS = 3.5 * 3600
_LISTENING = r'msg="Listening on" address=127\.0\.0\.1:(\d+)'


class QueryFailed(AssertionError):
    """Prometheus refused a query."""


class PrometheusServer(Child):
    """Scrapes `targets` (host:port by instance name) and tells `alertmanager` (host:port).

    All times are divided by `factor`: those in the rules, how often it scrapes and
    evaluates (15 s), and after how long a value is out of date (5 m).
    """

    JOB = "loopscope"

    def __init__(self, directory, targets, alertmanager, factor, external_labels=None, past=None):
        """`past`: values ({series: value}) that it has of the PAST_SECONDS before it began."""
        directory = Path(directory)
        self.factor = factor
        self.interval = SCRAPE_SECONDS / factor
        self.rules = compress_rules(RULES.read_text(encoding="utf-8"), factor)
        (directory / "rules.yml").write_text(yaml.safe_dump(self.rules))
        config = directory / "prometheus.yml"
        config.write_text(json.dumps(self._config(targets, alertmanager, external_labels or {})))
        storage = directory / "prometheus"
        if past:
            seconds = PAST_SECONDS / factor
            write_past(directory, storage, past, time.time(), seconds, self.interval)
        super().__init__(
            [
                env.tool("prometheus"),
                f"--config.file={config}",
                f"--storage.tsdb.path={storage}",
                "--web.listen-address=127.0.0.1:0",
                f"--query.lookback-delta={duration_of(LOOKBACK_SECONDS / factor)}",
                # Short, lest Alertmanager take an alert of so short a run for ended.
                "--rules.alert.resend-delay=1s",
            ],
            name="prometheus",
        )
        try:
            self.port = int(self.wait_line(_LISTENING, stream="stderr").group(1))
            self._http = HttpClient("127.0.0.1", self.port, timeout=30)
            wait_until(lambda: self._http.get("/-/ready").status == 200, 30, "ready Prometheus")
        except AssertionError:
            self.kill()
            raise
        self.url = f"http://127.0.0.1:{self.port}/"

    def _config(self, targets, alertmanager, external_labels):
        interval = duration_of(self.interval)
        return {
            "global": {
                "scrape_interval": interval,
                "scrape_timeout": interval,
                "evaluation_interval": interval,
                "external_labels": external_labels,
            },
            "rule_files": ["rules.yml"],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}],
                "alert_relabel_configs": [
                    {"action": "labeldrop", "regex": "|".join(external_labels)}
                ]
                if external_labels
                else [],
            },
            "scrape_configs": [
                {
                    "job_name": self.JOB,
                    "static_configs": [
                        {"targets": [address], "labels": {"instance": instance}}
                        for instance, address in targets.items()
                    ],
                }
            ],
        }

    def _ask(self, path, **parameters):
        answer = self._http.get(f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        body = json.loads(answer.text)
        if body["status"] != "success":
            raise QueryFailed(f"{parameters.get('query')}: {body.get('error')}")
        return body["data"]

    def query(self, expression, at=None):
        """[(labels, value)] of an instant query."""
        moment = {} if at is None else {"time": f"{at:.3f}"}
        data = self._ask("query", query=expression, **moment)
        return [(row["metric"], float(row["value"][1])) for row in data["result"]]

    def value(self, expression, at=None):
        """The one value of an instant query; NaN if there is no row."""
        rows = self.query(expression, at)
        assert len(rows) <= 1, f"{len(rows)} rows of {expression}"
        return rows[0][1] if rows else math.nan

    def query_range(self, expression, begin, end, step):
        """[(labels, [(time, value)])] of a range query."""
        data = self._ask(
            "query_range",
            query=expression,
            start=f"{begin:.3f}",
            end=f"{end:.3f}",
            step=f"{step:.3f}",
        )
        return [
            (row["metric"], [(float(at), float(value)) for at, value in row["values"]])
            for row in data["result"]
        ]

    def kill(self):
        if hasattr(self, "_http"):
            self._http.close()
        super().kill()
