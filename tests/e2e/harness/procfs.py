"""What the kernel says about a process: the ground truth for cost and leaks."""

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ThreadActivity:
    """Everything that changes when a thread wakes up."""

    voluntary_switches: int
    involuntary_switches: int
    run_ns: int
    runqueue_wait_ns: int


def _status_field(path, field):
    match = re.search(rf"^{field}:\s+(\d+)", Path(path).read_text(), re.MULTILINE)
    return int(match.group(1))


def comm(pid):
    return Path(f"/proc/{pid}/comm").read_text().rstrip("\n")


def thread_activity(pid, tid=None):
    task = f"/proc/{pid}/task/{tid or pid}"
    run, wait, _ = Path(f"{task}/schedstat").read_text().split()
    return ThreadActivity(
        _status_field(f"{task}/status", "voluntary_ctxt_switches"),
        _status_field(f"{task}/status", "nonvoluntary_ctxt_switches"),
        int(run),
        int(wait),
    )


def threads(pid):
    return sorted(int(name) for name in os.listdir(f"/proc/{pid}/task"))


def process_activity(pid):
    """Activity of every thread, by thread id."""
    return {tid: thread_activity(pid, tid) for tid in threads(pid)}


def cpu_seconds(pid):
    """CPU time of all threads so far, to the nanosecond: the process's own clock
    (clock_getcpuclockid(3)). schedstat knows of a running thread only up to its last tick."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9


def rss_bytes(pid):
    return _status_field(f"/proc/{pid}/status", "VmRSS") * 1024


def open_fds(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def inner_pid(pid):
    """The pid that a process has in its own PID namespace."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^NSpid:.*\s(\d+)$", status, re.MULTILINE).group(1))


def system_call(pid):
    """The number of the system call that the main thread sleeps in; None while it runs."""
    first = Path(f"/proc/{pid}/syscall").read_text().split()[0]
    return None if first == "running" else int(first)


def children(pid):
    """Pids of the processes that `pid` started and that still run."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if _status_field(f"/proc/{name}/status", "PPid") == pid:
                found.append(int(name))
        except (FileNotFoundError, ProcessLookupError):
            pass  # it ended meanwhile
    return sorted(found)
