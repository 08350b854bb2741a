"""What a case comes to."""

from typing import NamedTuple

RIGHT = "right"
WRONG = "wrong"
NOT_YET = "not yet"  # what it asks for is not promised yet; nothing false was said
NOT_PLAYED = "not played"  # something it needs is missing


class Verdict(NamedTuple):
    kind: str
    seen: str  # what Loopscope said, in a line


class CannotPlay(Exception):
    """The case needs what is not here."""


def judged(seen, *faults):
    """Right unless there is a fault; a fault is a text, or empty where all is well."""
    found = list(dict.fromkeys(fault for fault in faults if fault))
    return Verdict(WRONG if found else RIGHT, "; ".join([*found, seen] if found else [seen]))


def not_yet(seen, reason, *faults):
    """For what is not promised: only what was said falsely is a fault."""
    verdict = judged(seen, *faults)
    return verdict if verdict.kind == WRONG else Verdict(NOT_YET, f"{seen} ({reason})")
