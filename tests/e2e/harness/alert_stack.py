"""Loopscope, Prometheus with the shipped rules, Alertmanager and a webhook, wired up."""

import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from harness import env
from harness.alertmanager import Alertmanager
from harness.child import Child
from harness.loopscope import Loopscope
from harness.polling import wait_until
from harness.prometheus_server import PrometheusServer
from harness.webhook import Webhook

SCENARIOS = env.REPO_DIR / "examples" / "scenarios"
NODE = "22"
_LISTENING = r"listening on http://127\.0\.0\.1:(\d+)"


class Program(Child):
    """A server under test; `port` is where it listens."""

    def __init__(self, argv, name):
        super().__init__(argv, name=name)
        try:
            self.port = int(self.wait_line(_LISTENING).group(1))
        except AssertionError:
            self.kill()
            raise


class AlertStack:
    """All of it on free ports; close() ends it and every program started by it.

    Programs are known to Loopscope by a last argument that only they have, so that it
    finds those that are started later and names them.
    """

    def __init__(self, names, factor, on_delivery=None, more_targets=()):
        """`names`: of the programs to be; `more_targets`: in Loopscope's configuration."""
        self.factor = factor
        self._token = f"loopscope-{os.getpid()}"
        self._open = contextlib.ExitStack()
        try:
            self._start(names, on_delivery, more_targets)
        except BaseException:
            self.close()
            raise

    def _start(self, names, on_delivery, more_targets):
        self.directory = Path(tempfile.mkdtemp(prefix="loopscope-alerts-"))
        self.directory.chmod(0o755)
        self._open.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self.webhook = Webhook(on_delivery)
        self._open.callback(self.webhook.close)
        config = self.directory / "loopscope.yaml"
        targets = [{"name": name, "process": f" {self._tag(name)}$"} for name in names]
        config.write_text(
            json.dumps({"discovery_interval": "200ms", "targets": [*targets, *more_targets]})
        )
        self.loopscope = self.adopt(Loopscope("--config", config))
        self.alertmanager = self.adopt(Alertmanager(self.directory, self.webhook.url))

    def start_prometheus(self, others=None, external_labels=None, past=None):
        """`others`: further Loopscopes by instance name; ours is "watcher"."""
        loopscopes = {"watcher": self.loopscope, **(others or {})}
        self.prometheus = self.adopt(
            PrometheusServer(
                self.directory,
                {name: f"127.0.0.1:{it.port}" for name, it in loopscopes.items()},
                self.alertmanager.address,
                self.factor,
                external_labels,
                past,
            )
        )
        return self.prometheus

    def _tag(self, name):
        return f"{self._token}-{name}"

    def adopt(self, child):
        """Ties a child's life to this stack."""
        self._open.callback(child.kill)
        return child

    def run_script(self, name, script, *arguments):
        """A Node program, of examples/scenarios unless its path is absolute."""
        argv = [env.node(NODE), SCENARIOS / script, *arguments, self._tag(name)]
        return self.adopt(Program(argv, name))

    def wait_seen(self, name):
        """Prometheus has a program's loop."""
        wait_until(
            lambda: self.prometheus.query(f'eventloop_info{{process="{name}",loop="main"}}'),
            30,
            f"{name} in Prometheus",
            0.1,
        )

    def close(self):
        self._open.close()
