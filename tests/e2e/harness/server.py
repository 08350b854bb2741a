"""A running `loopscope-server`: the target whose phases are exact."""

from harness import env
from harness.child import Child
from harness.http_client import HttpClient
from harness.prometheus import Metrics

_ADDRESS = r"http://127\.0\.0\.1:(\d+)"


class LoopscopeServer(Child):
    """`loopscope-server` on free ports, ready for requests."""

    def __init__(self, *arguments):
        super().__init__(
            [
                env.loopscope_server(),
                "--listen",
                "127.0.0.1:0",
                "--metrics-listen",
                "127.0.0.1:0",
                *arguments,
            ],
            name="loopscope-server",
        )
        # Whichever order it prints them in, the line about metrics says so.
        self.port = int(self.wait_line(rf"^(?!.*metrics).*{_ADDRESS}", "stderr").group(1))
        self.metrics_port = int(self.wait_line(rf"metrics.*{_ADDRESS}", "stderr").group(1))
        self.http = HttpClient("127.0.0.1", self.port)

    def block(self, phase, milliseconds):
        """Blocks one phase of the loop; returns when the server has answered."""
        response = self.http.get(f"/block?phase={phase}&ms={milliseconds}")
        assert response.status == 200, f"/block answered {response.status}: {response.text}"

    def kill(self):
        if hasattr(self, "http"):
            self.http.close()
        super().kill()

    def scrape(self):
        """Its own metrics, from the embedded library."""
        client = HttpClient("127.0.0.1", self.metrics_port)
        try:
            response = client.get("/metrics")
        finally:
            client.close()
        assert response.status == 200, f"/metrics answered {response.status}"
        return Metrics(response.text)
