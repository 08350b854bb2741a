"""What being watched costs a saturated target: CPU per request and throughput.

Whole-run throughput is far too noisy for an effect of a per cent. Instead one load run
is cut into slots of about 200 ms; each block of slots holds every arm once, in random
order, and is compared within itself:

    off         everything below stopped (SIGSTOP) or switched off
    null        the same again: what the method reads when nothing differs
    loopscope   Loopscope watching
    ticker      a program that wakes up every 4 ms, as Loopscope does, and reads nothing
    prom_client prom-client's default metrics on

CPU is the target's own (the clock of the process), so that the CPU that the load
generator or Loopscope takes elsewhere does not count as the target's.

Where CPUs are hardware threads of one core, or a hypervisor polls before it halts one,
a CPU that wakes up slows its neighbour down, whatever it wakes up for; the ticker shows
by how much. So there are two runs: one as it comes, and one in which the target shares
its one CPU with Loopscope (or the ticker) and the load has the others. There what is
left is what the watching itself costs: reads, preemption, cold caches.
"""

import os
import random
import signal
import tempfile
import time
from pathlib import Path

from harness import env, procfs
from lib.load import Load
from lib.programs import BENCH_DIR, compile_c, prom_client
from lib.session import Session
from lib.stats import ratio_of_pairs

ARMS = ("off", "null", "loopscope", "ticker", "prom_client")
SLOT_SECONDS = 0.2
SETTLE_SECONDS = 0.02  # after a switch, before the slot counts
TICK_US = 4000


def pin(pid, cpus):
    for thread in procfs.threads(pid):
        os.sched_setaffinity(thread, cpus)


class Slots:
    def __init__(self, app, load, programs):
        """`programs`: what runs in the arm of its name and is stopped in all others."""
        self._app, self._load, self._programs = app, load, programs

    def _switch(self, arm):
        for name, program in self._programs.items():
            program.signal(signal.SIGCONT if arm == name else signal.SIGSTOP)
        # Every arm gets its command, so that every arm pays for reading one.
        self._app.send("prom on" if arm == "prom_client" else "prom off")
        time.sleep(SETTLE_SECONDS)

    def _state(self):
        return procfs.cpu_seconds(self._app.pid), self._load.answers, time.monotonic()

    def measure(self, arm):
        """(CPU seconds per request, requests per second) of one slot."""
        self._switch(arm)
        cpu, answers, begin = self._state()
        time.sleep(SLOT_SECONDS)
        cpu_end, answers_end, end = self._state()
        done = answers_end - answers
        if done == 0:
            raise RuntimeError(f"no answer in a slot of {arm}")
        return (cpu_end - cpu) / done, done / (end - begin)


def share_one_cpu(app, watchers, load):
    first, *rest = sorted(os.sched_getaffinity(0))
    if not rest:
        raise RuntimeError("needs at least two CPUs")
    for child in (app, *watchers):
        pin(child.pid, {first})
    pin(load.program.pid, set(rest))


def run(seconds, node="22", share_cpu=False, seed=1):
    choice = random.Random(seed)
    cost = {arm: [] for arm in ARMS}
    rate = {arm: [] for arm in ARMS}
    with Session() as session:
        app = session.spawn(
            env.node(node), BENCH_DIR / "apps" / "http_app.js", prom_client(), ready=None
        )
        port = app.wait_line(r"^ready (\d+)").group(1)
        load = Load(session, port)
        config = Path(session.enter_context(tempfile.TemporaryDirectory())) / "loopscope.yaml"
        # A stop that is itself stopped half-way would leave the target standing for a slot.
        config.write_text(f"stacks: {{ptrace: false}}\ntargets:\n  - pid: {app.pid}\n")
        loopscope = session.loopscope("--config", config)
        loopscope.wait_for_loop(app.pid, source="uv_stack")
        ticker = session.spawn(compile_c("ticker"), TICK_US)
        if share_cpu:
            share_one_cpu(app, (loopscope, ticker), load)
        slots = Slots(app, load, {"loopscope": loopscope, "ticker": ticker})
        warm_up = min(5, seconds / 4)
        deadline = time.monotonic() + warm_up + seconds
        counting_from = time.monotonic() + warm_up
        while time.monotonic() < deadline:
            order = list(ARMS)
            choice.shuffle(order)
            block = {arm: slots.measure(arm) for arm in order}
            if time.monotonic() > counting_from:
                for arm, (cpu_per_request, requests_per_second) in block.items():
                    cost[arm].append(cpu_per_request)
                    rate[arm].append(requests_per_second)
        prom_scrape = float(app.ask("scrape 50", r"^scrape (.*)$").group(1))
    return {
        "node": node,
        "share_cpu": share_cpu,
        "blocks": len(cost["off"]),
        "slot_seconds": SLOT_SECONDS,
        "requests_per_second": sum(rate["off"]) / len(rate["off"]),
        "cpu_us_per_request": 1e6 * sum(cost["off"]) / len(cost["off"]),
        "cpu_ratio": {
            arm: ratio_of_pairs(cost[arm], cost["off"]).as_dict() for arm in ARMS[1:]
        },
        "throughput_ratio": {
            arm: ratio_of_pairs(rate[arm], rate["off"]).as_dict() for arm in ARMS[1:]
        },
        "prom_client_scrape_seconds": prom_scrape,
    }
