"""What taking stacks costs a target that stalls five times a second.

One load run is cut into slots of a second; each block of slots holds every arm once, in
random order, and is compared within itself (as in overhead.py). One Loopscope watches all
the time; between slots its configuration is reloaded:

    off     stacks.enabled: false
    null    the same again: what the method reads when nothing differs
    stacks  stacks.enabled: true

A stall is a fixed amount of work, so whatever a capture takes from the target shows in its
CPU per request and its throughput.
"""

import random
import tempfile
import time
from pathlib import Path

from harness import env, procfs
from lib.load import Load
from lib.programs import BENCH_DIR
from lib.session import Session
from lib.stats import ratio_of_pairs

ARMS = ("off", "null", "stacks")
SLOT_SECONDS = 1.0
SETTLE_SECONDS = 0.25  # a stall that began before the switch ends
PERIOD_MS = 200
STALL_MS = 65


class Slots:
    def __init__(self, app, load, loopscope, config):
        self._app, self._load, self._loopscope, self._config = app, load, loopscope, config
        self._enabled = {False: 0.0, True: 0.0}  # captures by what the configuration said

    @staticmethod
    def write_config(config, pid, enabled):
        config.write_text(
            f"stacks: {{enabled: {str(enabled).lower()}}}\ntargets:\n  - pid: {pid}\n",
            encoding="utf-8",
        )

    def _switch(self, arm):
        # Every arm reloads, so that every arm pays for it.
        self.write_config(self._config, self._app.pid, arm == "stacks")
        answer = self._loopscope.http.request("/-/reload", method="POST")
        if answer.status != 200:
            raise RuntimeError(f"reload answered {answer.status}: {answer.text}")
        time.sleep(SETTLE_SECONDS)

    def captures(self):
        return self._loopscope.scrape().sum("loopscope_stack_captures_total")

    def _state(self):
        return (
            procfs.cpu_seconds(self._app.pid),
            procfs.cpu_seconds(self._loopscope.pid),
            self._load.answers,
            time.monotonic(),
        )

    def measure(self, arm):
        """CPU seconds per request, requests per second, Loopscope's share of a core."""
        self._switch(arm)
        captures = self.captures()
        cpu, own, answers, begin = self._state()
        time.sleep(SLOT_SECONDS)
        cpu_end, own_end, answers_end, end = self._state()
        self._enabled[arm == "stacks"] += self.captures() - captures
        done, elapsed = answers_end - answers, end - begin
        return (cpu_end - cpu) / done, done / elapsed, (own_end - own) / elapsed

    def check(self):
        """The arms were what they are called."""
        if self._enabled[False] or not self._enabled[True]:
            raise RuntimeError(f"captures while off, on: {self._enabled}")
        return self._enabled[True]


def stop_times(metrics):
    """The histogram of stop times as {upper bound: count}, and their sum."""
    name = "loopscope_stack_stop_seconds"
    buckets = sorted(
        (float(labels["le"]), count) for labels, count in metrics.samples(f"{name}_bucket")
    )
    counts, before = {}, 0
    for bound, count in buckets:
        counts[str(bound)] = counts.get(str(bound), 0) + count - before
        before = count
    return {"buckets": counts, "seconds": metrics.sum(f"{name}_sum"),
            "count": metrics.sum(f"{name}_count")}


def run(seconds, node="22", seed=1):
    choice = random.Random(seed)
    cost, rate, own = ({arm: [] for arm in ARMS} for _ in range(3))
    with Session() as session:
        app = session.spawn(
            env.node(node), BENCH_DIR / "apps" / "stall_app.js", PERIOD_MS, STALL_MS, ready=None
        )
        port = app.wait_line(r"^ready (\d+)").group(1)
        config = Path(session.enter_context(tempfile.TemporaryDirectory())) / "loopscope.yaml"
        load = Load(session, port)
        Slots.write_config(config, app.pid, True)
        loopscope = session.loopscope("--config", config)
        loopscope.wait_for_loop(app.pid, source="uv_stack")
        slots = Slots(app, load, loopscope, config)
        deadline = time.monotonic() + seconds
        slots.measure("off")  # warm-up
        while time.monotonic() < deadline or len(cost["off"]) < 2:
            order = list(ARMS)
            choice.shuffle(order)
            for arm in order:
                cpu_per_request, requests_per_second, share = slots.measure(arm)
                cost[arm].append(cpu_per_request)
                rate[arm].append(requests_per_second)
                own[arm].append(share)
        metrics = loopscope.scrape()
        captures = slots.check()
    blocks = len(cost["off"])
    return {
        "node": node,
        "blocks": blocks,
        "slot_seconds": SLOT_SECONDS,
        "stalls_per_second": 1000 / PERIOD_MS,
        "stall_ms": STALL_MS,
        "requests_per_second": sum(rate["off"]) / blocks,
        "cpu_us_per_request": 1e6 * sum(cost["off"]) / blocks,
        "cpu_ratio": {
            arm: ratio_of_pairs(cost[arm], cost["off"]).as_dict() for arm in ARMS[1:]
        },
        "throughput_ratio": {
            arm: ratio_of_pairs(rate[arm], rate["off"]).as_dict() for arm in ARMS[1:]
        },
        "loopscope_cpu_percent": {arm: 100 * sum(own[arm]) / blocks for arm in ARMS},
        "captures_per_second": captures / (blocks * SLOT_SECONDS),
        "captures": metrics.by("loopscope_stack_captures_total", "result"),
        "stops": stop_times(metrics),
    }
