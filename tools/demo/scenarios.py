"""The scenarios: a server that is ill, the same healed, and the load on both."""

import os
import sys
import time
from typing import Callable, NamedTuple

from harness.child import Child
from harness.load import Arrivals, ConnectionFlood, FifoFeeder, Requests


class Act(NamedTuple):
    """One program under one load."""

    what: str  # a word or two for the table
    script: str  # of examples/scenarios; none: loopscope-server
    arguments: tuple
    # load(program, stage): what clients do, as started loads (harness/load.py)
    load: Callable


class Scenario(NamedTuple):
    name: str
    about: str
    ill: Act
    healed: Act
    alerts: tuple  # that have to come for the ill one; others may


SUM = "/compute?n=1e9"
PAUSE = 0.3  # seconds between the requests of one client
HOGS = 4
# Clients a second, each with a new connection: until a queue is long, then.
RUSH, STEADY = 300, 120


def compute(program, stage):
    return [Requests(program.port, SUM, PAUSE).start()]


def compute_without_pause(program, stage):
    """One long sum, and two clients that keep the server busy with others."""
    long = Requests(program.port, "/compute?n=6e9", pause=3600)
    return [it.start() for it in (long, *(Requests(program.port, SUM) for _ in range(2)))]


def nothing(program, stage):
    return []


def read_fifo(program, stage):
    return [
        FifoFeeder(stage.fifo, 0.8).start(),
        Requests(program.port, "/read", PAUSE).start(),
    ]


class Neighbours:
    """Programs that compute all the time on the one CPU that the server is bound to."""

    def __init__(self, program):
        cpu = {max(os.sched_getaffinity(0))}
        for thread in os.listdir(f"/proc/{program.pid}/task"):
            os.sched_setaffinity(int(thread), cpu)
        self._hogs = [Child([sys.executable, "-c", "while True: pass"]) for _ in range(HOGS)]
        for hog in self._hogs:
            os.sched_setaffinity(hog.pid, cpu)

    def close(self):
        for hog in self._hogs:
            hog.kill()


def crowd(program, stage):
    return [Neighbours(program)]


def flood(program, stage):
    return [ConnectionFlood(program.port, first=80, rate=20).start()]


def rush(program, stage):
    """More new clients than turns of 10 ms, until several hundred wait; then a few more."""
    clients = Arrivals(program.port, "/price", RUSH).start()
    time.sleep(1.5)
    clients.rate = STEADY
    return [clients]


def reference(strategy):
    def load(program, stage):
        return [Requests(program.port, f"/compute?ms=900&strategy={strategy}", PAUSE).start()]

    return load


# A sum may take longer than two minutes in fast motion, so the critical one is not certain.
LATE = ("EventLoopLagHigh",)
INLINE = Act("inline", "compute.js", (), compute)

SCENARIOS = [
    Scenario(
        "compute",
        "/compute sums to 1e9 on the loop; / has to wait for it",
        Act("inline", "compute.js", (), compute_without_pause),
        Act("without /compute", "compute.js", (), nothing),
        (*LATE, "EventLoopBlocked", "EventLoopSaturated"),
    ),
    Scenario(
        "worker-thread",
        "the same sums on a worker thread",
        INLINE,
        Act("worker thread", "compute_worker_thread.js", (), compute),
        LATE,
    ),
    Scenario(
        "child-process",
        "the same sums in a child process each",
        INLINE,
        Act("child process", "compute_child_process.js", (), compute),
        LATE,
    ),
    Scenario(
        "queue",
        "the same sums put into a queue; /compute answers at once",
        INLINE,
        Act("queue", "compute_queue.js", (), compute),
        LATE,
    ),
    Scenario(
        "cluster",
        "the same sums inline, in one of four processes on the port",
        INLINE,
        Act("cluster of 4", "compute_cluster.js", ("4",), compute),
        LATE,
    ),
    Scenario(
        "reference-server",
        "loopscope-server, in C++ on libuv: 900 ms inline, then in libuv's thread pool",
        Act("inline", "", (), reference("inline")),
        Act("thread pool", "", (), reference("thread")),
        LATE,
    ),
    Scenario(
        "slow-fifo",
        "fs.readFileSync() of a FIFO whose writer is slow; then fs.readFile()",
        Act("readFileSync", "slow_fifo.js", ("FIFO",), read_fifo),
        Act("readFile", "slow_fifo.js", ("FIFO", "async"), read_fifo),
        ("EventLoopBlockedInSystemCall", "EventLoopLagHigh", "EventLoopLagCritical"),
    ),
    Scenario(
        "cpu-starvation",
        f"25 ms of work now and then, on a CPU with {HOGS} busy neighbours; then without them",
        Act("crowded CPU", "short_work.js", (), crowd),
        Act("CPU of its own", "short_work.js", (), nothing),
        ("EventLoopStarved",),
    ),
    Scenario(
        "full-backlog",
        "a full accept queue and an idle loop that does not accept; then one that does",
        Act("not accepting", "full_backlog.js", (), flood),
        Act("accepting", "full_backlog.js", ("open",), flood),
        ("EventLoopBacklogFullLoopHealthy", "EventLoopBacklogOverflowing"),
    ),
    Scenario(
        "short-turns",
        "10 ms of work for each of more new clients than turns; then the result is kept",
        Act("works it out", "short_turns.js", (), rush),
        Act("keeps it", "short_turns.js", ("kept",), rush),
        ("EventLoopBusyInShortTurns",),
    ),
]
