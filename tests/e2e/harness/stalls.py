"""Stall and phase figures of one loop, and their growth between two scrapes."""


class LoopFigures:
    """What one scrape says about one loop."""

    def __init__(self, metrics, pid, loop="main"):
        wanted = {"pid": pid, "loop": loop}
        self.stalls = metrics.by("eventloop_stalls_total", "phase", **wanted)
        self.stall_seconds = metrics.by("eventloop_stall_seconds_total", "phase", **wanted)
        self.stalls_by_cause = metrics.by("eventloop_stalls_total", "cause", **wanted)
        self.phases = metrics.by("eventloop_phase_seconds_total", "phase", **wanted)
        self.states = metrics.by("eventloop_time_seconds_total", "state", **wanted)
        self.lag_sum = metrics.value("eventloop_lag_seconds_sum", **wanted)
        self.lag_count = metrics.value("eventloop_lag_seconds_count", **wanted)
        self.blocked = metrics.value("eventloop_blocked_seconds", **wanted)
        self.lag_max = metrics.value("eventloop_lag_max_seconds", **wanted)


def growth(before, after):
    """after - before by key, for tables of counters; keys without growth are left out."""
    grown = {key: value - before.get(key, 0) for key, value in after.items()}
    return {key: value for key, value in grown.items() if value != 0}
