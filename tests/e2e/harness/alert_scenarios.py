"""Programs that are ill in every way that has an alert, all watched by one Prometheus.

Two of them compute at a time and the others sleep, so that two CPUs are enough.
"""

import os
import shutil
import signal
import time

from harness import env
from harness.alert_stack import AlertStack
from harness.cgroups import ControlGroup
from harness.load import Arrivals, ConnectionFlood, FifoFeeder, Requests
from harness.loopscope import Loopscope
from harness.polling import wait_until

FACTOR = 60
BLOCK_SECONDS = 7.0
FIFO_SECONDS = 0.8
# A vanished name counts if it was there for ten minutes: seconds here, and some to spare.
LASTING_SECONDS = 15.0
FULL = 65  # connections that fill the queue of full_backlog.js, and none more
OVER_NODES_BACKLOG = 600
UNREAD = 20

PROGRAMS = (
    "compute", "busy", "fifo", "starved", "backlog", "unread", "vanishing", "worker", "idle",
    "short-turns",
)  # fmt: skip


class AlertScenarios:
    """run() plays all of it; then `stack` has the deliveries and Prometheus the data."""

    def __init__(self):
        self.stack = AlertStack(PROGRAMS, FACTOR)
        self._loads = []
        self._groups = []
        self.began = time.time()
        self.since = {}  # by alert: when its scenario began
        self.busy_ended = 0.0

    def close(self):
        self._end_loads()
        self.stack.close()
        for group in self._groups:
            group.remove()

    def _end_loads(self):
        for load in reversed(self._loads):  # a reader before what it reads from
            load.close()
        self._loads.clear()

    def _load(self, load):
        self._loads.append(load.start())
        return load

    def _begin(self, *alerts):
        for alert in alerts:
            self.since[alert] = time.time()

    def wait_firing(self, alert, timeout=45, **labels):
        return self.stack.webhook.wait(alert, "firing", timeout, self.since[alert], **labels)

    def wait_resolved(self, alert, timeout, **labels):
        return self.stack.webhook.wait_over(alert, timeout, self.since[alert], **labels)

    def _start_blind(self):
        """A Loopscope that may not look into the process that it is to watch."""
        idle = self.stack.run_script("idle", env.WORKLOADS / "unread_server.js")
        binary = self.stack.directory / "loopscope"
        shutil.copy(env.loopscope(), binary)
        binary.chmod(0o755)
        blind = Loopscope("--pid", idle.pid, uid=env.UNPRIVILEGED_UID, binary=binary)
        return idle, self.stack.adopt(blind)

    def start(self):
        self.idle, self.blind = self._start_blind()
        self._begin("LoopscopeSourceFailing")
        # Burn rates want half of their window to be there, three hours for the slow one.
        labels = '{job="loopscope",instance="watcher",process="busy"}'
        self.prometheus = self.stack.start_prometheus(
            {"blind": self.blind},
            past={
                f"process:eventloop_lag_seconds_count:rate5m{labels}": 1000,
                f"process:eventloop_late_100ms:rate5m{labels}": 0,
            },
        )
        run = self.stack.run_script
        self.compute = run("compute", "compute.js")
        fifo = self.stack.directory / "fifo"
        os.mkfifo(fifo)
        self.fifo = run("fifo", "slow_fifo.js", fifo)
        self._load(FifoFeeder(fifo, FIFO_SECONDS))
        self.backlog = run("backlog", "full_backlog.js")
        self.unread = run("unread", env.WORKLOADS / "unread_server.js")
        self.busy = run("busy", env.WORKLOADS / "busy_loop.js", 120)
        self.worker = run("worker", "compute_worker_thread.js")
        self.short_turns = run("short-turns", "short_turns.js")
        self.vanishing = self._start_vanishing()
        self._start_starved()
        for name in set(PROGRAMS) - {"idle"}:
            self.stack.wait_seen(name)
        self.all_seen = time.time()
        self.n = self._calibrated()

    def _start_vanishing(self):
        return self.stack.run_script("vanishing", env.WORKLOADS / "unread_server.js")

    def _start_starved(self):
        self.starved = self.stack.run_script("starved", "short_work.js")
        self.quota = ControlGroup("cpu")
        self._groups.append(self.quota)
        self.quota.add(self.starved.pid)

    def _calibrated(self):
        """How far compute.js sums in BLOCK_SECONDS."""
        n = 2e8
        request = Requests(self.compute.port, f"/compute?n={n:.0f}").start()
        wait_until(lambda: request.seconds, 30, "a sum")
        request.close()
        return BLOCK_SECONDS * n / request.seconds[0]

    def play_quiet_ones(self):
        """What needs no CPU, or less than it wants."""
        self._begin("EventLoopLagCritical", "EventLoopBlockedInSystemCall")
        self._load(Requests(self.fifo.port, "/read"))
        self._begin("EventLoopStarved")
        self.quota.limit_cpu(5_000, 50_000)
        self._begin("EventLoopBacklogFullLoopHealthy")
        self._load(ConnectionFlood(self.backlog.port, FULL))
        self._begin("EventLoopConnectionsUnread")
        unread = self._load(ConnectionFlood(self.unread.port, UNREAD))
        unread.send()
        self._load(Requests(self.worker.port, "/compute?n=1e8", pause=1))

    def play_block(self):
        """One long computation, and more clients than the accept queue holds."""
        self._begin(
            "EventLoopBlocked", "EventLoopBacklogNearLimit", "EventLoopBacklogOverflowing"
        )
        computing = self._load(Requests(self.compute.port, f"/compute?n={self.n:.0f}", pause=600))
        wait_until(
            lambda: self.stack.loopscope.scrape().value(
                "eventloop_blocked_seconds", pid=self.compute.pid
            )
            > 0.2,
            10,
            "blocked loop",
        )
        flood = self._load(ConnectionFlood(self.compute.port, OVER_NODES_BACKLOG, rate=100))
        wait_until(lambda: computing.seconds, 60, "end of the computation", 0.1)
        flood.close()

    def play_short_turns(self):
        """More new clients than turns, none of which is long; and a program ends."""
        time.sleep(max(0.0, self.all_seen + LASTING_SECONDS - time.time()))
        self._begin("EventLoopTargetVanished")
        self.vanishing.signal(signal.SIGKILL)
        self._begin("EventLoopBusyInShortTurns")
        clients = self._load(Arrivals(self.short_turns.port, "/price", rate=300))
        time.sleep(1.5)
        clients.rate = 120
        self.wait_firing("EventLoopBusyInShortTurns", process="short-turns")
        clients.close()

    def play_busy(self):
        """No long stall, but one after the other until all that is late has come."""
        slow = ("EventLoopSaturated", "EventLoopStallsFrequent", "EventLoopLagBudgetBurnSlow")
        self._begin("EventLoopLagHigh", "EventLoopLagBudgetBurnFast", *slow)
        self.busy.signal(signal.SIGUSR2)
        for alert in slow:
            self.wait_firing(alert, process="busy")
        self.busy_ended = time.time()

    def heal(self):
        """Ends all of it, in the way that each would be ended."""
        self.busy.kill()
        self._end_loads()
        self.starved.kill()  # without its quota a crowded machine may starve it as well
        self.backlog.signal(signal.SIGUSR2)
        self.vanishing = self._start_vanishing()

    def play_down(self):
        """A Loopscope that does not answer, then one that does and whose target is gone."""
        self.blind.signal(signal.SIGSTOP)
        self._begin("LoopscopeDown")
        try:
            self.wait_firing("LoopscopeDown", instance="blind")
        finally:
            self.blind.signal(signal.SIGCONT)
        self.idle.kill()

    def run(self):
        self.start()
        self.play_quiet_ones()
        self.play_block()
        self.play_short_turns()
        self.play_busy()
        self.wait_firing("LoopscopeSourceFailing", instance="blind")
        self.heal()
        self.play_down()
