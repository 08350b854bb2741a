"""The workload whose blocking functions are known, and what a stall record says of them."""

import datetime
import json
from dataclasses import dataclass, field

from harness import env

# The names under which a function without one may be shown.
ANONYMOUS = {"", "(anonymous)", "<anonymous>", "anonymous"}
# The clocks of workload and exporter are the same; this is for the sampling interval and
# for a stall's first milliseconds, which belong to the turn and not yet to the function.
MATCH_SECONDS = 0.02


@dataclass
class Block:
    """One injected block, in seconds of the system clock."""

    kind: str
    begin: float
    end: float

    @property
    def seconds(self):
        return self.end - self.begin

    def overlap(self, record):
        begin = started_at(record)
        end = begin + record["duration_seconds"]
        return min(end, self.end + MATCH_SECONDS) - max(begin, self.begin - MATCH_SECONDS)


@dataclass
class Kind:
    name: str
    loop: str
    right: list = field(default_factory=list)  # places: function, file, first_line, last_line

    def accepts_function(self, record):
        return bool(self._places(record))

    def accepts_line(self, record):
        """The line is inside the function that is named."""
        return any(
            place["first_line"] <= record["line"] <= place["last_line"]
            for place in self._places(record)
        )

    def _places(self, record):
        return [
            place
            for place in self.right
            if record["file"] == place["file"]
            and (
                record["function"] == place["function"]
                or (place["function"] in ANONYMOUS and record["function"] in ANONYMOUS)
            )
        ]


def started_at(record):
    text = record["started_at"].replace("Z", "+00:00")
    return datetime.datetime.fromisoformat(text).timestamp()


def start_culprits(case, variant="22", uid=None, arguments=()):
    """workloads/culprits/culprits.js, ready for commands; as another account from a copy."""
    scratch = case.temporary_directory()
    node, workloads = env.node(variant), env.WORKLOADS
    if uid is not None:
        scratch.chmod(0o777)
        copy = case.public_copy(node, workloads)
        node, workloads = copy / "node", copy / "workloads"
    child = case.spawn(
        node,
        *arguments,
        workloads / "culprits" / "culprits.js",
        scratch,
        name=f"node {variant} culprits.js",
        uid=uid,
    )
    child.wait_line("^ready", timeout=60)
    return Culprits(child)


class Culprits:
    """A running culprits.js."""

    def __init__(self, child):
        self.child = child
        self.pid = child.pid
        answer = json.loads(child.ask("kinds").group(0))
        self.kinds = {
            name: Kind(name, entry["loop"], entry["right"]) for name, entry in answer.items()
        }

    def run(self, kind, times, min_ms, max_ms, gap_ms=30):
        """Blocks `times` times; returns when all is over."""
        limit = times * (4 * max_ms + 2 * gap_ms) / 1000 + 30
        answer = self.child.ask(f"run {kind} {times} {min_ms} {max_ms} {gap_ms}", timeout=limit)
        blocks = json.loads(answer.group(0))["blocks"]
        return [Block(kind, b["begin"] / 1000, b["end"] / 1000) for b in blocks]

    def start(self, kind, milliseconds):
        """Begins one block and returns its begin, in seconds of the system clock."""
        seen = len(self.child.lines())
        self.child.send(f"run {kind} 1 {milliseconds} {milliseconds}")
        match = self.child.wait_line(rf"^block {kind} ([0-9.]+)$", start=seen)
        return float(match.group(1)) / 1000
