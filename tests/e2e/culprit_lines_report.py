#!/usr/bin/env python3
"""Measures how well blocking lines are named, on many versions of Node and in every tier of
their compilers, and writes the table of it into docs/culprit-accuracy.md.

    culprit_lines_report.py [--blocks 5] [--tier TIER]... [--dry] [VERSION...]

About two minutes per version and tier.
"""

import argparse
import os
import platform
import sys
import time

from harness import env
from harness.case import EndToEndCase
from harness.line_matrix import TIERS, LineMatrix, LineScore, has_tier

VERSIONS = (
    "18.0.0", "18.20.8", "19.8.1", "20.0.0", "20.20.2", "21.7.3", "22.0.0", "22.23.3", "23.11.1",
    "24.0.0", "24.15.0", "24.21.0", "25.9.0", "26.0.0", "26.10.0",
)
DOCUMENT = env.REPO_DIR / "docs" / "culprit-accuracy.md"
BEGIN = "<!-- begin lines: written by `make matrix` -->"
END = "<!-- end lines -->"


class Run(EndToEndCase):
    """The base class of tests, for its care of child processes."""

    def runTest(self):  # noqa: N802 - the name unittest wants
        pass

    def score(self, version, tier, blocks, parts):
        self.setUp()
        try:
            matrix = LineMatrix(self, version, tier)
            total = LineScore()
            for part in matrix.parts:
                if parts and part.split(".")[0] not in parts:
                    continue
                total.merge(matrix.score(part, blocks))
            return total
        finally:
            self.doCleanups()


def cell(score):
    if score is None:
        return "-"
    text = f"{score.line}/{score.function}/{score.blocks}"
    if score.nameless:
        text += f", {score.nameless} none"
    if score.wrong:
        text += f", **{len(score.wrong)} wrong**"
    return text


def report(results, blocks, parts):
    versions = list(results)
    tiers = [tier for tier in TIERS if any(tier in results[v] for v in versions)]
    lines = [
        f"{blocks} blocks of each of {parts} lines; Linux {platform.release()}, {os.cpu_count()} CPUs,"
        f" {time.strftime('%Y-%m-%d', time.gmtime())}. A cell: blocks with the right line / with"
        " the right function / all; *none*: without a name; *wrong*: with another line or"
        " function. A dash: this Node has no such tier. Blocks whose thread got no CPU for half of"
        " them or more were taken again.",
        "",
        "| Node | " + " | ".join(tiers) + " |",
        "|" + " --- |" * (len(tiers) + 1),
    ]
    for version in versions:
        cells = [cell(results[version].get(tier)) for tier in tiers]
        lines.append(f"| {version} | " + " | ".join(cells) + " |")
    total = LineScore()
    for by_tier in results.values():
        for score in by_tier.values():
            total.merge(score)
    lines += [
        "",
        f"All: {total.line / total.blocks:.2%} of {total.blocks} blocks with the right line,"
        f" {total.function / total.blocks:.2%} with the right function,"
        f" {total.nameless / total.blocks:.2%} without a name, {len(total.wrong)} wrong.",
    ]
    misses = {}
    for version, by_tier in results.items():
        for tier, score in by_tier.items():
            for miss in score.misses + score.wrong:
                misses.setdefault(miss, []).append(f"{version} {tier}")
    if misses:
        lines += ["", "Every kind of miss:", ""]
        for miss, where in sorted(misses.items()):
            lines.append(f"- {miss} ({len(where)}: {', '.join(sorted(set(where)))})")
    return "\n".join(lines) + "\n"


def write(text):
    document = DOCUMENT.read_text(encoding="utf-8")
    before, rest = document.split(BEGIN)
    after = rest.split(END)[1]
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("versions", nargs="*", default=VERSIONS, metavar="VERSION")
    parser.add_argument("--blocks", type=int, default=5, help="blocks of each line")
    parser.add_argument("--tier", action="append", choices=TIERS, help="only these")
    parser.add_argument("--kind", action="append", help="only these")
    parser.add_argument("--dry", action="store_true", help="leave the document alone")
    arguments = parser.parse_args()
    results, parts = {}, set()
    for version in arguments.versions:
        results[version] = {}
        for tier in arguments.tier or TIERS:
            if not has_tier(env.node(version), tier):
                continue
            score = Run().score(version, tier, arguments.blocks, arguments.kind)
            parts |= score.parts
            results[version][tier] = score
            print(f"{version} {tier}: {cell(score)}", flush=True)
            for miss in score.misses + score.wrong:
                print(f"    {miss}", flush=True)
    text = report(results, arguments.blocks, len(parts))
    print(text)
    if not arguments.dry:
        write(text)
    return 1 if any(s.wrong for by_tier in results.values() for s in by_tier.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
