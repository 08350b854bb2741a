#!/usr/bin/env python3
"""Prints the tests that a ctest run skipped or did not run, with the reason each gave.

    tools/list_skipped.py TESTS.xml      exit code 1 when there are any
"""

import re
import sys
import xml.etree.ElementTree as ElementTree

# ctest calls these run or switched off on purpose; all else was skipped.
RAN = {"run", "fail", "disabled"}


def reason(test):
    output = test.findtext("system-out") or ""
    # GTEST_SKIP prints "FILE:LINE: Skipped" and its message on the next line.
    match = re.search(r": Skipped\n(.+)", output) or re.search(r"(?i)^.*skip.*$", output, re.MULTILINE)
    if match:
        return match.group(match.lastindex or 0).strip()
    skipped = test.find("skipped")
    return (skipped is not None and skipped.get("message")) or "no reason given"


def main():
    tests = ElementTree.parse(sys.argv[1]).getroot().iter("testcase")
    skipped = [test for test in tests if test.get("status") not in RAN]
    for test in skipped:
        print(f"skipped: {test.get('name')}: {reason(test)}")
    return 1 if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
