"""Was the machine too crowded for a measurement to be judged?"""

import time

from harness import procfs

# Share of the time that a thread waited for a CPU from which a run may be repeated.
CROWDED = 0.01


class CpuShortage:
    """How long threads were ready to run and had no CPU, since construction.

    Without a CPU the target's own account of its time is not what its loop did, and a
    sampler that sleeps through a stall cannot count it. Neither is what the tests are
    about, so they repeat such a run, with a message.
    """

    def __init__(self, target_pid, loopscope_pid):
        self._threads = [(target_pid, target_pid)]
        self._threads += [(loopscope_pid, tid) for tid in procfs.threads(loopscope_pid)]
        self._begin = time.monotonic()
        self._waits = [self._wait(*thread) for thread in self._threads]

    @staticmethod
    def _wait(pid, tid):
        try:
            return procfs.thread_activity(pid, tid).runqueue_wait_ns / 1e9
        except FileNotFoundError:
            return 0.0  # a thread that has ended

    def share(self):
        """The largest share of the time that any of the threads has waited."""
        elapsed = time.monotonic() - self._begin
        waited = (
            self._wait(*thread) - before for thread, before in zip(self._threads, self._waits)
        )
        return max(waited) / elapsed


def judge_when_quiet(run, shortage, attempts):
    """Calls `run`; when it fails on a crowded machine, again, up to `attempts` times."""
    for attempt in range(1, attempts + 1):
        watch = shortage()
        try:
            run()
            return
        except AssertionError as error:
            share = watch.share()
            print(f"attempt {attempt}: without a CPU {share:.1%} of the time; {error}")
            if share < CROWDED or attempt == attempts:
                raise
