"""What being watched costs a saturated target: CPU per request and throughput.

Whole-run throughput is far too noisy for an effect of a per cent. Instead one load run
is cut into slots of about 200 ms; each block of slots holds every arm once, in random
order, and is compared within itself:

    off         Loopscope stopped (SIGSTOP), prom-client's monitors off
    null        the same again: what the method reads when nothing differs
    loopscope   Loopscope watching
    prom_client prom-client's default metrics on, Loopscope stopped

CPU is the target's own (schedstat of all its threads), so that the CPU that the load
generator or Loopscope takes elsewhere does not count as the target's.
"""

import random
import signal
import time

from harness import env, procfs
from lib.load import Load
from lib.programs import BENCH_DIR, prom_client
from lib.session import Session
from lib.stats import ratio_of_pairs

ARMS = ("off", "null", "loopscope", "prom_client")
SLOT_SECONDS = 0.2
SETTLE_SECONDS = 0.02  # after a switch, before the slot counts


class Slots:
    def __init__(self, app, load, loopscope):
        self._app, self._load, self._loopscope = app, load, loopscope

    def _switch(self, arm):
        self._loopscope.signal(signal.SIGCONT if arm == "loopscope" else signal.SIGSTOP)
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
        return (cpu_end - cpu) / done, done / (end - begin)


def run(seconds, node="22", seed=1):
    choice = random.Random(seed)
    cost = {arm: [] for arm in ARMS}
    rate = {arm: [] for arm in ARMS}
    with Session() as session:
        app = session.spawn(
            env.node(node), BENCH_DIR / "apps" / "http_app.js", prom_client(), ready=None
        )
        port = app.wait_line(r"^ready (\d+)").group(1)
        load = Load(session, port)
        loopscope = session.loopscope("--pid", app.pid)
        loopscope.wait_for_loop(app.pid, source="uv_stack")
        slots = Slots(app, load, loopscope)
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
        loopscope.signal(signal.SIGCONT)
        prom_scrape = float(app.ask("scrape 50", r"^scrape (.*)$").group(1))
    return {
        "node": node,
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
