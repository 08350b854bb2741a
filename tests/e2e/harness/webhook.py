"""A receiver of Alertmanager's webhooks that remembers what came and when."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

from harness.local_http_server import LocalHttpServer
from harness.polling import wait_until


class Delivery(NamedTuple):
    """One alert of one notification."""

    at: float  # seconds since the epoch, when it arrived
    status: str  # firing or resolved
    labels: dict
    annotations: dict

    @property
    def name(self):
        return self.labels["alertname"]


class Webhook(LocalHttpServer):
    """Listens on a free port; `on_delivery` is called from its threads."""

    def __init__(self, on_delivery=None):
        self._deliveries = []
        self._lock = threading.Lock()
        self._on_delivery = on_delivery or (lambda delivery: None)
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802, the name is http.server's
                at = time.time()
                body = self.rfile.read(int(self.headers["Content-Length"]))
                webhook.take(at, json.loads(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(Handler)

    def take(self, at, notification):
        new = [
            Delivery(at, alert["status"], alert["labels"], alert["annotations"])
            for alert in notification["alerts"]
        ]
        with self._lock:
            self._deliveries += new
        for delivery in new:
            self._on_delivery(delivery)

    def deliveries(self, name=None, status=None, since=0.0, **labels):
        """Those that match, oldest first."""
        wanted = {key: str(value) for key, value in labels.items()}
        with self._lock:
            return [
                delivery
                for delivery in self._deliveries
                if name in (None, delivery.name)
                and status in (None, delivery.status)
                and delivery.at >= since
                and wanted.items() <= delivery.labels.items()
            ]

    def wait(self, name, status, timeout, since=0.0, **labels):
        """The first delivery that matches."""
        return wait_until(
            lambda: self.deliveries(name, status, since, **labels),
            timeout,
            f"{status} {name} {labels or ''} at the webhook",
        )[0]

    def wait_over(self, name, timeout, since=0.0, **labels):
        """The last delivery, once it says that no such alert fires any more."""

        def over():
            last = {}
            for delivery in self.deliveries(name, None, since, **labels):
                last[tuple(sorted(delivery.labels.items()))] = delivery
            ended = last and all(it.status == "resolved" for it in last.values())
            return max(last.values(), key=lambda it: it.at) if ended else None

        return wait_until(over, timeout, f"end of {name} {labels or ''} at the webhook")
