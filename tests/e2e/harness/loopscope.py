"""A running `loopscope run`, and what it shows."""

import json
import signal

from harness import env
from harness.child import Child
from harness.http_client import HttpClient
from harness.polling import wait_until
from harness.prometheus import Metrics

_LISTENING = r"listening on http://([0-9.]+|\[[0-9a-f:]+\]):(\d+)"


class Loopscope(Child):
    """`loopscope run` on a free port; ready to be scraped once constructed.

    `starter` is a command line that starts it elsewhere; `client` then makes connections.
    """

    def __init__(
        self, *arguments, uid=None, binary=None, environment=None, starter=(), client=HttpClient
    ):
        super().__init__(
            [*starter, binary or env.loopscope(), "run", "--listen", "127.0.0.1:0", *arguments],
            name="loopscope",
            uid=uid,
            env=environment,
        )
        try:
            match = self.wait_line(_LISTENING, stream="stderr", timeout=20)
        except AssertionError as error:
            self.kill()
            raise AssertionError(f"{error}\n{self.text()}") from None
        self.host, self.port = match.group(1), int(match.group(2))
        self._client = client
        self.http = self.client()

    def client(self):
        """A connection of its own, for a second scraper."""
        return self._client(self.host, self.port)

    def scrape(self, client=None):
        response = (client or self.http).get("/metrics")
        assert response.status == 200, f"/metrics answered {response.status}"
        return Metrics(response.text)

    def json(self, path):
        response = self.http.get(path)
        assert response.status == 200, f"{path} answered {response.status}"
        return json.loads(response.text)

    def loops(self, pid=None, metrics=None):
        """Label sets of eventloop_info, of one process or all."""
        wanted = {} if pid is None else {"pid": pid}
        found = (metrics or self.scrape()).samples("eventloop_info", **wanted)
        return [labels for labels, _ in found]

    def wait_for_loop(self, pid, loop="main", source=None, timeout=20):
        """Waits until a loop is measured and its figures move; returns its info labels."""
        wanted = {"pid": pid, "loop": loop}
        if source is not None:
            wanted["source"] = source

        def measured():
            metrics = self.scrape()
            found = metrics.samples("eventloop_info", **wanted)
            moving = metrics.sum("eventloop_time_seconds_total", pid=pid, loop=loop) > 0
            return found[0][0] if found and moving else None

        return wait_until(measured, timeout, f"loop {wanted}")

    def wait_metrics(self, condition, timeout, what, interval=0.02):
        """Scrapes until `condition(metrics)` holds and returns that scrape."""

        def check():
            metrics = self.scrape()
            return metrics if condition(metrics) else None

        return wait_until(check, timeout, what, interval)

    def kill(self):
        if hasattr(self, "http"):
            self.http.close()
        super().kill()

    def stop(self):
        """Asks it to end, as an init system would; returns the exit code."""
        self.http.close()
        self.signal(signal.SIGTERM)
        return self.wait()
