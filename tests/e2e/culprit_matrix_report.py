#!/usr/bin/env python3
"""Measures how well culprits are named, on every Node, and writes the table of it.

    culprit_matrix_report.py [--captures 50] [--output FILE] [--unprivileged] [VARIANT...]

The result is Markdown, as it stands in docs/culprit-accuracy.md. Takes about five minutes
per Node; leave the machine alone meanwhile.
"""

import argparse
import os
import platform
import sys
import time
from pathlib import Path

from harness import env
from harness.case import EndToEndCase
from harness.culprit_matrix import MAX_MS, MIN_MS, Matrix, Score

VARIANTS = (*env.NODE_MAJORS, "22-stripped")
OUTPUT = env.REPO_DIR / "build" / "culprit-matrix.md"


class Run(EndToEndCase):
    """The base class of tests, for its care of child processes."""

    def runTest(self):  # noqa: N802 - the name unittest wants
        pass

    def scores(self, variant, captures, uid):
        self.setUp()
        try:
            matrix = Matrix(self, variant, uid)
            found = {}
            for name in matrix.target.kinds:
                found[name] = matrix.score(name, captures)
                print(f"{variant}: {found[name]}", flush=True)
            metrics = matrix.loopscope.scrape()
            return found, metrics.by("loopscope_stack_captures_total", "result")
        finally:
            self.doCleanups()


def table(headings, rows):
    lines = ["| " + " | ".join(headings) + " |", "|" + " --- |" * len(headings)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def cell(score):
    """Right function and file, right line; then misses and false names, if any."""
    text = f"{score.right}/{score.right_line}"
    if score.nameless:
        text += f", {score.nameless} none"
    if score.false or score.stray:
        text += f", **{len(score.false) + len(score.stray)} false**"
    return text


def sums(scores):
    total = Score("all")
    for score in scores.values():
        total.merge(score)
    return total


def report(results, captures, unprivileged):
    variants = list(results)
    kinds = list(next(iter(results.values()))[0])
    rows = [(kind, *(cell(results[v][0][kind]) for v in variants)) for kind in kinds]
    totals = {v: sums(results[v][0]) for v in variants}
    rows.append(("**all**", *(cell(totals[v]) for v in variants)))
    rows.append(
        ("**share**", *(f"{t.share(t.right):.2%} / {t.share(t.right_line):.2%}"
                        for t in totals.values()))
    )
    who = "as the target's own unprivileged account" if unprivileged else "as root"
    parts = [
        f"{captures} blocks of each kind, {MIN_MS} to {MAX_MS} ms long, Loopscope {who};"
        f" Linux {platform.release()}, {os.cpu_count()} CPUs,"
        f" {time.strftime('%Y-%m-%d', time.gmtime())}. A cell: blocks with the right function"
        " and file / of these with the right line; *none*: blocks without a name.",
        table(("kind", *(f"Node {v}" for v in variants)), rows),
        "Captures by result: "
        + "; ".join(
            f"Node {v}: " + ", ".join(f"{int(n)} {name}" for name, n in sorted(by.items()))
            for v, (_, by) in results.items()
        )
        + ".",
    ]
    misses = [
        f"- Node {v}, {kind}: {miss}"
        for v in variants
        for kind, score in results[v][0].items()
        for miss in sorted({*score.misses, *score.false, *score.stray})
    ]
    if misses:
        parts += ["Every kind of miss:", "\n".join(misses)]
    return "\n\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("variants", nargs="*", default=VARIANTS, metavar="VARIANT")
    parser.add_argument("--captures", type=int, default=50, help="blocks of each kind")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--unprivileged", action="store_true", help="as nobody, like the target")
    arguments = parser.parse_args()
    uid = env.UNPRIVILEGED_UID if arguments.unprivileged else None
    results = {
        variant: Run().scores(variant, arguments.captures, uid) for variant in arguments.variants
    }
    text = report(results, arguments.captures, arguments.unprivileged)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(text, encoding="utf-8")
    print(text)
    return 1 if any(sums(scores).false for scores, _ in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
