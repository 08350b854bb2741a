"""What the demo prints."""

import math
import textwrap
import threading
import time

from harness.env import REPO_DIR

_INDENT = {"initial_indent": " " * 19, "subsequent_indent": " " * 19}


class Printer:
    """The course of events, with seconds since the demo began."""

    def __init__(self):
        self._began = time.time()
        self._lock = threading.Lock()

    def _line(self, text):
        with self._lock:
            print(text, flush=True)

    def _stamp(self, at=None):
        return f"{(at or time.time()) - self._began:7.1f} s"

    def scenario(self, name, about):
        self._line(f"\n{self._stamp()}  == {name}: {about}")

    def act(self, text):
        self._line(f"{self._stamp()}     {text}")

    def delivery(self, delivery):
        """One alert as it came to the webhook."""
        severity = delivery.labels.get("severity", "")
        head = f"{self._stamp(delivery.at)}       {delivery.status:8} {severity:7} {delivery.name}"
        if delivery.status == "resolved":
            self._line(f"{head}  {delivery.annotations.get('summary', '')}")
            return
        text = delivery.annotations.get("description", "").replace(f"{REPO_DIR}/", "")
        self._line("\n".join([head, *textwrap.wrap(text, 110, **_INDENT)]))


def seconds(value):
    if math.isnan(value):
        return "none"
    return f"{1000 * value:.1f} ms" if value < 1 else f"{value:.2f} s"


def number(value):
    return "none" if math.isnan(value) else f"{value:.0f}"


def share(value):
    return "none" if math.isnan(value) else f"{100 * value:.1f} %"


_ROW = "{:17} {:17} {:>10} {:>10} {:>9} {:>10} {:>8} {:>10}"


def print_summary(outcomes, factor):
    print("\n== Summary\n")
    print(
        _ROW.format(
            "scenario", "server", "lag p99", "lag max", "late", "blocked", "backlog", "wait for /"
        )
    )
    for outcome in outcomes:
        for name, figures in ((outcome.name, outcome.ill), ("", outcome.healed)):
            print(
                _ROW.format(
                    name,
                    figures.what,
                    seconds(figures.lag_p99),
                    seconds(figures.lag_max),
                    share(figures.late_share),
                    seconds(figures.blocked_max),
                    number(figures.backlog_max),
                    seconds(figures.longest_wait),
                )
            )
    print(
        "\nlate: share of arrivals that wait over 100 ms; blocked: the longest that a scrape saw;"
        "\nwait for /: the longest of a client for a path that has nothing to do, answered or not."
        f"\nPrometheus and the rules run {factor} times as fast as they would.\n"
    )
    for outcome in outcomes:
        print(f"{outcome.name}: seconds from the begin of the load to firing, from its end to over")
        for alert, at in outcome.fired.items():
            over = outcome.resolved[alert]
            ended = "not over" if math.isnan(over) else f"{over:+.1f}"
            print(f"  {alert:32} {at:6.1f} {ended:>8}")
        for alert in outcome.missing:
            print(f"  {alert:32} MISSING")
        print(f"  about the healed server: {', '.join(outcome.fired_healed) or 'none'}")
