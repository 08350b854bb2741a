"""Runs every kind of blocking and counts how the stall records name what blocked."""

import time
from dataclasses import dataclass, field

from harness import env
from harness.crowding import CROWDED, CpuShortage
from harness.culprits import ANONYMOUS, start_culprits, started_at
from harness.polling import wait_until

MIN_MS, MAX_MS = 80, 150
# A stall that is not recorded in this time after its end is none.
RECORD_SECONDS = 5
# The name of an ended stall may come a little after its end.
NAME_SECONDS = 1
CROWDED_ATTEMPTS = 3


@dataclass
class Score:
    """How the injected blocks of one kind were named."""

    kind: str
    blocks: int = 0
    right: int = 0  # function and file
    right_line: int = 0
    nameless: int = 0  # no record, no name, or only a native name
    false: list = field(default_factory=list)  # records that name what did not run
    stray: list = field(default_factory=list)  # named stalls where nothing was injected
    wasm_frames: int = 0
    named_seconds: float = 0.0  # of the records with the right name
    causes: dict = field(default_factory=dict)
    misses: list = field(default_factory=list)

    def add(self, kind, record):
        self.blocks += 1
        if record is None:
            self.nameless += 1
            self.misses.append("no record")
            return
        self.causes[record["cause"]] = self.causes.get(record["cause"], 0) + 1
        self.wasm_frames += any(
            frame["function"].startswith("wasm-function[") for frame in record["stack"]
        )
        if kind.accepts_function(record):
            self.right += 1
            self.named_seconds += record["duration_seconds"]
            if kind.accepts_line(record):
                self.right_line += 1
            else:
                self.misses.append(f"line {record['line']} of {record['function']}")
        elif is_nameless(record):
            self.nameless += 1
            self.misses.append(f"no name; stack {brief(record['stack'])}")
        else:
            self.false.append(f"{record['function']} {record['file']}:{record['line']}")

    def merge(self, other):
        """The sum of both, for all kinds together."""
        for name in ("blocks", "right", "right_line", "nameless", "wasm_frames"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("false", "stray", "misses"):
            getattr(self, name).extend(getattr(other, name))

    def share(self, count):
        return count / self.blocks if self.blocks else 0.0

    def __str__(self):
        return (
            f"{self.kind}: {self.right}/{self.blocks} right, {self.right_line} right line,"
            f" {self.nameless} without a name, {len(self.false)} false; causes {self.causes}"
            f"{''.join(f'; {miss}' for miss in self.misses + self.false + self.stray)}"
        )


def brief(stack):
    return " < ".join(f"{frame['kind']}:{frame['function']}" for frame in stack[:6]) or "empty"


def is_nameless(record):
    """No name at all, or a native function's: true, and no claim about JavaScript."""
    if record["function"] in ANONYMOUS and not record["file"]:
        return True
    return any(
        frame["kind"] in ("native", "kernel") and frame["function"] == record["function"]
        for frame in record["stack"]
    )


def without_nulls(record):
    """A record in which what is not known is empty or 0."""
    plain = {key: "" if value is None else value for key, value in record.items()}
    plain["line"] = record["line"] or 0
    plain["stack"] = [without_nulls(frame) for frame in record["stack"]] if "stack" in record else []
    return plain


class Matrix:
    """One Node, one Loopscope, and the scores of every kind asked for."""

    def __init__(self, case, variant, uid=None):
        self.case = case
        self.target = start_culprits(case, variant, uid)
        options = {}
        if uid is not None:
            binary = case.public_copy(env.loopscope()) / "loopscope"
            options = {"uid": uid, "binary": binary}
        self.loopscope = case.loopscope("--pid", self.target.pid, **options)
        for loop in sorted({kind.loop for kind in self.target.kinds.values()}):
            self.loopscope.wait_for_loop(self.target.pid, loop=loop, source="uv_stack")

    def records_since(self, newest_id):
        records = self.loopscope.json("/api/v1/stalls?limit=1000")
        return [without_nulls(record) for record in records if record["id"] > newest_id]

    def newest_id(self):
        records = self.loopscope.json("/api/v1/stalls?limit=1")
        return records[0]["id"] if records else -1

    def score(self, name, times):
        """The score of one kind; taken again when the machine gave the programs no CPU."""
        for attempt in range(1, CROWDED_ATTEMPTS + 1):
            shortage = CpuShortage(self.target.pid, self.loopscope.pid)
            score = self._score_once(name, times)
            if score.right == score.blocks or score.false or attempt == CROWDED_ATTEMPTS:
                break
            share = shortage.share()
            if share < CROWDED:
                break
            print(f"attempt {attempt}: without a CPU {share:.1%} of the time; {score}")
        return score

    def _score_once(self, name, times):
        kind = self.target.kinds[name]
        before = self.newest_id()
        begin = time.time()
        blocks = self.target.run(name, times, MIN_MS, MAX_MS)
        records = self._settled_records(kind, blocks, before)
        score = Score(name)
        matched = set()
        for block in blocks:
            record = max(records, key=block.overlap, default=None)
            if record is not None and block.overlap(record) <= 0:
                record = None
            if record is not None:
                matched.add(record["id"])
            score.add(kind, record)
        for record in records:
            if record["id"] not in matched and started_at(record) > begin:
                if not is_nameless(record):
                    score.stray.append(f"idle gap: {record['function']} {record['file']}")
        return score

    def _settled_records(self, kind, blocks, before):
        """All records of the run, when each has its name or had the time to get one."""

        def of_run():
            records = self.records_since(before)
            return [r for r in records if r["pid"] == self.target.pid and r["loop"] == kind.loop]

        def ended():
            records = of_run()
            return len(records) >= len(blocks) and not any(r["in_progress"] for r in records)

        def named():
            return not any(is_nameless(record) for record in of_run())

        for condition, seconds in ((ended, RECORD_SECONDS), (named, NAME_SECONDS)):
            try:
                wait_until(condition, seconds, f"records of {kind.name}")
            except AssertionError:
                pass  # what is missing counts as a miss
        return of_run()
