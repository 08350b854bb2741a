"""How long a new connection waits for a loop busy in short turns, and what its queue says."""

import socket
import time

from harness import env
from harness.alert_stack import Program
from harness.load import Arrivals
from harness.loopscope import Loopscope
from verdict import judged

TRUTH = "before a loop busy in turns of 10 ms a client waits for the queue's length in turns"
SERVER = env.REPO_DIR / "examples" / "scenarios" / "short_turns.js"
MAJORS = ("20", "22", "24", "26")
PROBES = 3
WITHIN = 0.3  # of the wait: the pace of a loaded machine changes meanwhile


def wait_of_a_client(port):
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        client.sendall(b"GET /price HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        client.recv(4096)
    return time.monotonic() - begin


def turns(metrics):
    return metrics.sum("eventloop_iterations_total", loop="main")


def measured(stage, major):
    """[(predicted, waited)], and the largest lag."""
    server = Program([stage.node(major), SERVER], f"node {major}")
    loopscope = load = None
    try:
        loopscope = Loopscope("--pid", server.pid)
        loopscope.wait_for_loop(server.pid)
        load = Arrivals(server.port, "/price", rate=250).start()
        time.sleep(1.5)
        load.rate = 60
        pairs = []
        for _ in range(PROBES):
            before, began = loopscope.scrape(), time.monotonic()
            waited = wait_of_a_client(server.port)
            after, took = loopscope.scrape(), time.monotonic() - began
            pace = (turns(after) - turns(before)) / took
            pairs.append((before.sum("eventloop_backlog_connections") / pace, waited))
        return pairs, after.sum("eventloop_lag_max_seconds")
    finally:
        for it in (load, loopscope, server):
            if it is not None:
                it.close() if it is load else it.kill()


def judge(stage, folder):
    seen, faults = [], []
    for major in MAJORS:
        pairs, lag = measured(stage, major)
        waits = ", ".join(f"{waited:.1f} s ({said:.1f})" for said, waited in pairs)
        seen.append(f"Node {major}: waited {waits}, lag_max {1000 * lag:.0f} ms")
        for said, waited in pairs:
            if waited > 0.5 and abs(said - waited) > WITHIN * waited:
                faults.append(f"Node {major}: waited {waited:.1f} s, the queue says {said:.1f}")
        if not any(waited > 0.5 for _, waited in pairs):
            faults.append(f"Node {major}: nobody had to wait")
    return judged("; ".join(seen), *faults)
