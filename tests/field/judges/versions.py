"""A selection: all of it is an hour. FIELD_VERSIONS are the Nodes, 22 and 26 without it."""

import json
import os
import re
import time
from collections import Counter

from harness.child import Child
from verdict import judged

TRUTH = "known blocks in named functions, phases, native code, a worker and a module, on each Node"
# Script and mode: the place that runs, as marked in the scripts.
LINES = (("lines2.js", "int", "report", 13), ("lines5.js", "pair", "hot", 30),
         ("lines5.js", "forBody", "forBody", 18))  # fmt: skip
LOOKS = 12
# Lengths and causes are left out: a loaded machine changes them.
EXACT = ("found", "phase", "function", "file", "line")


def blocks(stage, folder, major):
    stage.script(folder, "run.py", f"node-{major}", "--", stage.node(major), "{work}")
    result = folder / "results" / f"node-{major}" / "result.json"
    rows = json.loads(result.read_text(encoding="utf-8"))["rows"]
    wrong = [row for row in rows if not all(row.get(key) for key in EXACT)]
    return len(rows), [f"Node {major} {row['kind']}: {row['problem']}" for row in wrong]


def place_now(stage, folder, pid, script):
    """The innermost frame of the script; empty where it has none."""
    told = stage.command([stage.program, "stack", pid], folder)
    match = re.search(rf"^ +js +(\S+) +\S*{re.escape(script)}:(\d+)", told.text, re.MULTILINE)
    return f"{match.group(1)}:{match.group(2)}" if match else ""


def places(stage, folder, major):
    for script, mode, function, line in LINES:
        target = Child([stage.node(major), script, mode], cwd=folder / "t")
        try:
            seen = []
            for _ in range(LOOKS):  # it warms up for seconds, then blocks for 2.5 or 6 s
                time.sleep(0.5)
                seen.append(place_now(stage, folder, target.pid, script))
        finally:
            target.kill()
        named = Counter(place for place in seen if place)
        most, _ = named.most_common(1)[0] if named else ("nobody", 0)
        if most != f"{function}:{line}":
            yield f"Node {major} {script} {mode}: {most}, truth {function}:{line}"


def judge(stage, folder):
    majors = os.environ.get("FIELD_VERSIONS", "22 26").split()
    seen, found = [], []
    for major in majors:
        count, wrong = blocks(stage, folder, major)
        seen.append(f"Node {major}: {count - len(wrong)} of {count} blocks")
        found += [*wrong, *places(stage, folder, major)]
        if not count:
            found.append(f"Node {major}: nothing was played")
    return judged(", ".join(seen), *found)
