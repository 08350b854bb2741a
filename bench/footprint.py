"""Loopscope's own CPU and memory with 1, 10 and 100 loops, idle and turning over."""

import time

from harness import env, procfs
from harness.polling import wait_until
from lib.load import Load
from lib.programs import BENCH_DIR, compile_c, prom_client
from lib.session import Session

LOOPS = (1, 10, 100)
# Milliseconds between turns and microseconds burned in each.
KINDS = {"idle": (0, 0), "turning": (10, 50)}
SETTLE_SECONDS = 3
SCRAPE_EVERY = 5


def watch(loopscope, pids, seconds):
    """CPU share and memory while it watches, scraped every few seconds."""
    wait_until(
        lambda: {labels["pid"] for labels in loopscope.loops()} >= {str(pid) for pid in pids},
        30, f"{len(pids)} loops", interval=0.2,
    )
    time.sleep(SETTLE_SECONDS)
    cpu, begin = procfs.cpu_seconds(loopscope.pid), time.monotonic()
    while time.monotonic() - begin < seconds:
        loopscope.scrape()
        time.sleep(min(SCRAPE_EVERY, max(0.0, begin + seconds - time.monotonic())))
    return {
        "cpu_percent_of_a_core": 100
        * (procfs.cpu_seconds(loopscope.pid) - cpu)
        / (time.monotonic() - begin),
        "rss_mib": procfs.rss_bytes(loopscope.pid) / 2**20,
        "open_fds": procfs.open_fds(loopscope.pid),
    }


def select(pids):
    return [part for pid in pids for part in ("--pid", pid)]


def many_loops(kind, count, seconds):
    with Session() as session:
        program = compile_c("turning_loop", "libuv")
        pids = [session.spawn(program, *KINDS[kind]).pid for _ in range(count)]
        result = watch(session.loopscope(*select(pids)), pids, seconds)
    return {"target": f"libuv, {kind}", "loops": count, **result}


def one_node(seconds, loaded, node="22"):
    with Session() as session:
        app = session.spawn(
            env.node(node), BENCH_DIR / "apps" / "http_app.js", prom_client(), ready=None
        )
        port = app.wait_line(r"^ready (\d+)").group(1)
        if loaded:
            Load(session, port)
        result = watch(session.loopscope("--pid", app.pid), [app.pid], seconds)
    state = "saturated" if loaded else "idle"
    return {"target": f"Node {node}, {state}", "loops": 1, **result}


def run(seconds):
    results = [one_node(seconds, loaded) for loaded in (False, True)]
    for kind in KINDS:
        results += [many_loops(kind, count, seconds) for count in LOOPS]
    return results
