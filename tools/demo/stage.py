"""Plays scenarios before Loopscope, Prometheus and Alertmanager, and takes the figures."""

import math
import os
import threading
import time
from typing import NamedTuple

from harness import env
from harness.alert_stack import AlertStack
from harness.load import Requests
from harness.polling import TimedOut
from harness.server import LoopscopeServer
from report import Printer

FACTOR = 60
LEAST_SECONDS = 10  # of an act
MOST_SECONDS = 45  # of waiting for alerts
PROBE_PAUSE = 0.05


class Figures(NamedTuple):
    """Of one act. NaN: Prometheus has none."""

    what: str
    lag_p99: float
    lag_max: float
    late_share: float  # of arrivals, by over 100 ms
    blocked_max: float
    backlog_max: float
    longest_wait: float  # for "/", answered or not


class Outcome(NamedTuple):
    """Of one scenario."""

    name: str
    ill: Figures
    healed: Figures
    fired: dict  # seconds from the begin of the load to the webhook, by alert
    resolved: dict  # seconds from the end of the load to the webhook, by alert; NaN: not
    missing: list  # alerts that belong to the scenario and did not come, or did not end
    fired_healed: list  # alerts about the healed one


def program_names(scenario):
    return f"{scenario.name}-before", f"{scenario.name}-after"


class Stage:
    def __init__(self, scenarios, pictures_directory=None):
        self.factor = FACTOR
        self._pictures = None
        self._ended = set()  # names of programs that the demo itself has ended
        self._ended_lock = threading.Lock()
        self._printer = Printer()
        names, servers = [], {}
        self._servers = servers
        try:
            for scenario in scenarios:
                for name, act in zip(program_names(scenario), (scenario.ill, scenario.healed)):
                    if act.script:
                        names.append(name)
                    else:
                        servers[name] = LoopscopeServer()
            targets = [{"name": name, "pid": it.pid} for name, it in servers.items()]
            self._stack = AlertStack(names, FACTOR, self._on_delivery, targets)
        except BaseException:
            self._kill_servers()
            raise
        try:
            self._prometheus = self._stack.start_prometheus(
                external_labels={"loopscope_docs": str(env.REPO_DIR / "docs")}
            )
            self.fifo = self._stack.directory / "fifo"
            os.mkfifo(self.fifo)
            if pictures_directory:
                self._pictures = self._open_pictures(pictures_directory)
        except BaseException:
            self.close()
            raise
        self.print_addresses()
        print(
            f"  {FACTOR} times as fast as real rules: an alert that waits 5 minutes waits"
            f" {300 / FACTOR:.0f} s here"
        )

    def _open_pictures(self, directory):
        from pictures import Pictures  # needs Selenium, which nothing else here does

        return Pictures(directory, self._stack.directory / "browser", self._live_page())

    def _live_page(self):
        return f"http://127.0.0.1:{self._stack.loopscope.port}/"

    def print_addresses(self):
        print(f"\n  live page     {self._live_page()}")
        print(f"  Prometheus    {self._prometheus.url}alerts")
        print(f"  Alertmanager  http://{self._stack.alertmanager.address}/")

    def _kill_servers(self):
        for server in self._servers.values():
            server.kill()

    def close(self):
        if self._pictures is not None:
            self._pictures.close()
        self._stack.close()
        self._kill_servers()

    def _on_delivery(self, delivery):
        with self._ended_lock:
            ended = delivery.labels.get("process") in self._ended
        # That a program of the demo has gone is no news.
        if not (ended and delivery.name == "EventLoopTargetVanished"):
            self._printer.delivery(delivery)

    def _start(self, name, act):
        if not act.script:
            return self._servers[name]
        arguments = [str(self.fifo) if it == "FIFO" else it for it in act.arguments]
        return self._stack.run_script(name, act.script, *arguments)

    def _perform(self, name, act, until):
        """One act; (its figures, when its load began, when it ended)."""
        program = self._start(name, act)
        self._stack.wait_seen(name)
        self._printer.act(f"{act.what}: pid {program.pid}, http://127.0.0.1:{program.port}/")
        loads = act.load(program, self)
        probe = Requests(program.port, "/", PROBE_PAUSE, timeout=10).start()
        begin = time.time()
        try:
            until(begin)
            end = time.time()
            if self._pictures is not None:
                self._pictures.take(name)
            figures = self._figures(name, act.what, begin, end, probe)
        finally:
            with self._ended_lock:
                self._ended.add(name)
            program.kill()  # first, as it may be what clients wait for
            for load in (probe, *loads):
                load.close()
        return figures, begin, end

    def _figures(self, name, what, begin, end, probe):
        seconds = max(2, math.ceil(end - begin))
        loop = f'process="{name}",loop="main"'

        def value(expression):
            return self._prometheus.value(expression, end)

        buckets = f"sum by (le) (increase(eventloop_lag_seconds_bucket{{{loop}}}[{seconds}s]))"
        late = f'sum(increase(eventloop_lag_seconds_bucket{{{loop},le="0.1"}}[{seconds}s]))'
        count = f"sum(increase(eventloop_lag_seconds_count{{{loop}}}[{seconds}s]))"

        def largest(metric):
            return value(f"max(max_over_time({metric}{{{loop}}}[{seconds}s]))")

        return Figures(
            what,
            value(f"histogram_quantile(0.99, {buckets})"),
            largest("eventloop_lag_max_seconds"),
            value(f"clamp_min(1 - {late} / {count}, 0)"),
            largest("eventloop_blocked_seconds"),
            largest("eventloop_backlog_connections"),
            probe.longest_wait(),
        )

    def _until_alerts(self, name, alerts):
        def wait(begin):
            deadline = begin + MOST_SECONDS
            for alert in alerts:
                left = max(0, deadline - time.time())
                try:
                    self._stack.webhook.wait(
                        alert, "firing", left, begin, **self._labels(alert, name)
                    )
                except TimedOut:
                    self._printer.act(f"{alert} has not come in {MOST_SECONDS} s")
            time.sleep(max(0, begin + LEAST_SECONDS - time.time()))

        return wait

    @staticmethod
    def _labels(alert, name):
        # Overflows are counted per network namespace; they name no process.
        return {} if alert == "EventLoopBacklogOverflowing" else {"process": name}

    def play(self, scenario):
        """Both acts, and the end of the alerts."""
        self._printer.scenario(scenario.name, scenario.about)
        before, after = program_names(scenario)
        ill, began, ended = self._perform(
            before, scenario.ill, self._until_alerts(before, scenario.alerts)
        )
        healed, healed_began, _ = self._perform(
            after, scenario.healed, lambda begin: time.sleep(LEAST_SECONDS)
        )
        fired = self._first_firing(before, began, healed_began, scenario.alerts)
        resolved = {alert: self._over(alert, before, began) - ended for alert in fired}
        missing = [alert for alert in scenario.alerts if math.isnan(resolved.get(alert, math.nan))]
        about_healed = self._first_firing(after, healed_began, time.time(), ())
        return Outcome(scenario.name, ill, healed, fired, resolved, missing, sorted(about_healed))

    def _first_firing(self, name, begin, end, alerts):
        """Seconds from `begin` to the first delivery of each alert about a program.

        Those of `alerts` that name no process are taken to be about it.
        """
        found = {}
        for delivery in self._stack.webhook.deliveries(None, "firing", begin):
            ours = delivery.labels.get("process") == name
            anonymous = "process" not in delivery.labels and delivery.name in alerts
            vanished = delivery.name == "EventLoopTargetVanished"
            if (ours or anonymous) and not vanished and delivery.at <= end:
                found.setdefault(delivery.name, delivery.at - begin)
        return found

    def _over(self, alert, name, since):
        """When it fired no more; NaN if it still does."""
        try:
            return self._stack.webhook.wait_over(
                alert, MOST_SECONDS, since, **self._labels(alert, name)
            ).at
        except TimedOut:
            self._printer.act(f"{alert} has not ended in {MOST_SECONDS} s")
            return math.nan
