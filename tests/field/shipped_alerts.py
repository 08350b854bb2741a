"""The shipped rules in fast motion, by real Prometheus: what an operator is told of a target."""

import contextlib
import shutil
import tempfile
import time
from pathlib import Path

from harness.alertmanager import Alertmanager
from harness.loopscope import Loopscope
from harness.prometheus_server import PrometheusServer
from harness.webhook import Webhook

# Two minutes, the shortest window of the rules, are 12 s: no client waits so long.
FACTOR = 10


@contextlib.contextmanager
def watched(pid):
    """Yields a function: deliveries of alerts about this process so far."""
    with contextlib.ExitStack() as open_:
        directory = Path(tempfile.mkdtemp(prefix="loopscope-field-"))
        open_.callback(shutil.rmtree, directory, ignore_errors=True)
        webhook = Webhook()
        open_.callback(webhook.close)
        loopscope = Loopscope("--pid", pid)
        open_.callback(loopscope.kill)
        alertmanager = Alertmanager(directory, webhook.url)
        open_.callback(alertmanager.kill)
        prometheus = PrometheusServer(
            directory, {"field": f"127.0.0.1:{loopscope.port}"}, alertmanager.address, FACTOR
        )
        open_.callback(prometheus.kill)
        yield webhook.deliveries


def told(deliveries):
    """{name of an alert: its text}, of those that fired, in their order."""
    return {
        it.name: f"{it.annotations['summary']}. {' '.join(it.annotations['description'].split())}"
        for it in deliveries
        if it.status == "firing"
    }


def wait_told(deliveries, name, seconds):
    """Waits for an alert at most so long; returns all that fired until then."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = told(deliveries())
        if name in found:
            # What would come beside it has its time, too.
            time.sleep(3)
            break
        time.sleep(0.5)
    return told(deliveries())
