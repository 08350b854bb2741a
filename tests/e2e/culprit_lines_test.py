#!/usr/bin/env python3
"""Stall records name the line that blocked, of functions with several.

    culprit_lines_test.py [NODE_VARIANT] [TIER]

The long form, with more versions and tiers, is culprit_lines_report.py.
"""

import sys
import unittest

from harness.case import EndToEndCase
from harness.crowding import CROWDED, CpuShortage
from harness.line_matrix import LineMatrix, LineScore

VARIANT, TIER = "22", "default"
# One of each sort: loops in the function itself, inlined functions, calls of native code, and
# garbage collections in between.
KINDS = ("twoHalves", "inlined", "nested", "nativeCalls", "allocations")
# A miss gives no line; on a machine with other work a block may get no CPU to be seen on.
MISSES = 1
ATTEMPTS = 3


class CulpritLinesTest(EndToEndCase):
    def test_lines(self):
        matrix = LineMatrix(self, VARIANT, TIER)
        parts = [part for part in matrix.parts if part.split(".")[0] in KINDS]
        self.assertEqual(len(parts), 2 * len(KINDS))
        for attempt in range(1, ATTEMPTS + 1):
            shortage = CpuShortage(matrix.child.pid, matrix.loopscope.pid)
            score = LineScore()
            for part in parts:
                score.merge(matrix.score(part, 1))
            print(f"{VARIANT} {TIER}: {score.line} of {score.blocks} lines; {score.misses}", flush=True)
            self.assertEqual(score.wrong, [], "what is not certain has no line, never a wrong one")
            if score.line >= len(parts) - MISSES or shortage.share() < CROWDED:
                break
        self.assertGreaterEqual(score.line, len(parts) - MISSES, score.misses)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        VARIANT = sys.argv[1]
    if len(sys.argv) > 2:
        TIER = sys.argv[2]
    unittest.main(verbosity=2, argv=sys.argv[:1])
