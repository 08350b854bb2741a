"""Bounded waiting. Tests wait for a condition, never for an amount of time."""

import time


class TimedOut(AssertionError):
    """The condition did not come true in time."""


def wait_until(condition, timeout, what, interval=0.02):
    """Polls `condition` until it returns something true, and returns that.

    An AssertionError raised by the condition counts as "not yet"; the last one is
    shown when time is up.
    """
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
        except AssertionError as error:
            last = error
        if time.monotonic() >= deadline:
            detail = f"; last: {last}" if last is not None else ""
            raise TimedOut(f"no {what} within {timeout} s{detail}")
        time.sleep(interval)
