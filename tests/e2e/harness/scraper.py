"""A real Prometheus that scrapes one exporter every second."""

import json
import urllib.parse

from harness import env
from harness.child import Child
from harness.http_client import HttpClient
from harness.polling import wait_until

_LISTENING = r'msg="Listening on" address="?127\.0\.0\.1:(\d+)'


class Scraper(Child):
    """`rules`: a file of rules, which are evaluated every second too."""

    def __init__(self, directory, exporter, rules=None):
        config = {
            "global": {
                "scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s",
            },
            "rule_files": [str(rules)] if rules else [],
            "scrape_configs": [
                {"job_name": "loopscope", "static_configs": [{"targets": [exporter]}]}
            ],
        }
        directory.mkdir()
        (directory / "prometheus.yml").write_text(json.dumps(config))
        super().__init__(
            [
                env.tool("prometheus"), f"--config.file={directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={directory / 'data'}",
                "--web.listen-address=127.0.0.1:0",
            ],
            name=f"prometheus {directory.name}",
        )
        port = int(self.wait_line(_LISTENING, stream="stderr").group(1))
        self._http = HttpClient("127.0.0.1", port, timeout=30)
        wait_until(lambda: self._http.get("/-/ready").status == 200, 30, "ready Prometheus")

    def query(self, expression, time=None):
        """`time`: of the question, in seconds since 1970; now, if not given."""
        parameters = {"query": expression} | ({"time": time} if time else {})
        answer = json.loads(self._http.get(
            "/api/v1/query?" + urllib.parse.urlencode(parameters)
        ).text)
        if answer["status"] != "success":
            raise AssertionError(f"{expression}: {answer.get('error')}")
        return [(row["metric"], float(row["value"][1])) for row in answer["data"]["result"]]

    def kill(self):
        self._http.close()
        super().kill()
