"""Keeps single lines of functions busy and counts how the stall records name them."""

import functools
import json
import subprocess
from dataclasses import dataclass, field

from harness import env
from harness.culprit_matrix import brief, is_nameless, without_nulls
from harness.culprits import Block
from harness.polling import wait_until

# By which compiler the functions run. A Node takes part in a tier if it knows its flags.
TIERS = {
    "interpreter": ("--jitless",),
    "no optimizing": ("--no-opt", "--no-maglev"),
    "baseline": ("--always-sparkplug",),
    "maglev": ("--maglev",),
    "maglev only": ("--maglev", "--no-turbofan"),
    "default": (),
}
BLOCK_MS = 90
RECORD_SECONDS = 5
NAME_SECONDS = 1
STARVED = 0.5
STARVED_ATTEMPTS = 5


@functools.cache
def flags_of(node):
    """The options of V8 a Node has, as it lists them: without "--", words joined by "-"."""
    text = subprocess.run(
        [node, "--v8-options"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    names = set()
    for line in text.splitlines():
        words = line.split()
        if words and words[0].startswith("--"):
            names.add(words[0].lstrip("-").replace("_", "-"))
    return names


def flags_for(node, tier):
    """What a Node does not have it need not be told to leave out."""
    return [flag for flag in TIERS[tier] if _option(flag) in flags_of(node)]


def has_tier(node, tier):
    wanted = [flag for flag in TIERS[tier] if not flag.startswith("--no-")]
    return all(_option(flag) in flags_of(node) for flag in wanted)


def _option(flag):
    return flag.removeprefix("--").removeprefix("no-")


@dataclass
class LineScore:
    """How the blocks of one part, or of many, were named."""

    parts: set = field(default_factory=set)
    blocks: int = 0
    line: int = 0  # right function, file and line
    lineless: int = 0  # right function and file, no line
    nameless: int = 0  # no record, no name, or a native name
    wrong_line: list = field(default_factory=list)
    wrong_function: list = field(default_factory=list)
    misses: list = field(default_factory=list)

    def add(self, part, truth, record):
        self.parts.add(part)
        self.blocks += 1
        if record is None:
            self.nameless += 1
            self.misses.append(f"{part}: no record")
        elif record["function"] == truth["function"] and record["file"] == truth["file"]:
            if record["line"] == truth["line"]:
                self.line += 1
            elif record["line"] == 0:
                self.lineless += 1
                self.misses.append(f"{part}: no line")
            else:
                self.wrong_line.append(f"{part}: line {record['line']}, truth {truth['line']}")
        elif is_nameless(record):
            self.nameless += 1
            self.misses.append(f"{part}: no name; stack {brief(record['stack'])}")
        else:
            self.wrong_function.append(
                f"{part}: {record['function']} {record['file'].rsplit('/', 1)[-1]}:{record['line']}"
            )

    def merge(self, other):
        for name in ("blocks", "line", "lineless", "nameless"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.parts |= other.parts
        for name in ("wrong_line", "wrong_function", "misses"):
            getattr(self, name).extend(getattr(other, name))

    @property
    def function(self):
        return self.line + self.lineless + len(self.wrong_line)

    @property
    def wrong(self):
        return self.wrong_line + self.wrong_function


class LineMatrix:
    """One Node in one tier, and one Loopscope that watches it."""

    def __init__(self, case, variant, tier):
        self.case = case
        self.child = case.spawn(
            env.node(variant), *flags_for(env.node(variant), tier), env.WORKLOADS / "culprits" / "lines.js",
            name=f"node {variant} lines.js {tier}",
        )
        self.child.wait_line("^ready", timeout=60)
        self.parts = json.loads(self.child.ask("kinds").group(0))
        self.loopscope = case.loopscope("--pid", self.child.pid)
        self.loopscope.wait_for_loop(self.child.pid, loop="main", source="uv_stack")

    def records_since(self, newest_id):
        records = self.loopscope.json("/api/v1/stalls?limit=1000")
        return [without_nulls(record) for record in records if record["id"] > newest_id]

    def score(self, part, times):
        """The score of `times` blocks. Of a block for most of which its thread got no CPU nothing
        can be told but where it was when it lost it: such are taken again."""
        score = LineScore()
        for _ in range(STARVED_ATTEMPTS):
            self._score_once(part, times - score.blocks, score)
            if score.blocks >= times:
                break
        return score

    def _score_once(self, part, times, score):
        newest = self.loopscope.json("/api/v1/stalls?limit=1")
        newest_id = newest[0]["id"] if newest else -1
        answer = self.child.ask(f"run {part} {times} {BLOCK_MS}", timeout=60 + 10 * times)
        blocks = [
            Block(part, b["begin"] / 1000, b["end"] / 1000)
            for b in json.loads(answer.group(0))["blocks"]
        ]
        records = self._settled(newest_id, blocks)
        for block in blocks:
            record = max(records, key=block.overlap, default=None)
            if record is not None and block.overlap(record) <= 0:
                record = None
            if record is None or record["causes"]["starved"] < STARVED * record["duration_seconds"]:
                score.add(part, self.parts[part], record)

    def _settled(self, newest_id, blocks):
        """The records of the blocks, when each has its name or had the time to get one."""

        def of_blocks():
            return [
                record for record in self.records_since(newest_id)
                if any(block.overlap(record) > 0 for block in blocks)
            ]

        def ended():
            records = of_blocks()
            return len(records) >= len(blocks) and not any(r["in_progress"] for r in records)

        def named():
            return not any(is_nameless(record) for record in of_blocks())

        for condition, seconds in ((ended, RECORD_SECONDS), (named, NAME_SECONDS)):
            try:
                wait_until(condition, seconds, "records of the blocks")
            except AssertionError:
                pass  # what is missing counts as a miss
        return of_blocks()
