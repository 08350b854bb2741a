import json
import re

from transcript import inside_of_runtime
from verdict import judged

TRUTH = "writing to a full pipe sleeps in logRequest for about 3 s where it is synchronous"
MARKS = {"blocking": "log", "writeSync": "writeSync"}


def faults(mode, part):
    lines = dict(re.findall(r"'(log|writeSync)': (\d+)", part.lines("^== mode")[0]))
    truth = [json.loads(text)["ms"] for text in re.findall(r"\{\"n\".*?\}", part.text)]
    stalls = [stall for stall in part.stalls() if stall.ms > 300]
    if len(stalls) != len(truth):
        yield f"{mode}: {len(stalls)} long stalls, truth {len(truth)}"
    for stall, ms in zip(stalls, truth):
        if abs(stall.ms - ms) > max(50, 0.1 * ms):
            yield f"{mode}: {stall.ms} ms, truth {ms}"
        if stall.cause != "blocked":
            yield f"{mode}: cause {stall.cause}"
        if (stall.function, stall.line) != ("logRequest", int(lines[MARKS[mode]])):
            yield f"{mode}: {stall.at()}, truth logRequest:{lines[MARKS[mode]]}"


def judge(stage, folder):
    told = stage.script(folder, "case.py")
    parts = told.sections(r"^== mode (\w+)")
    found = [fault for mode, part in parts.items() for fault in faults(mode, part)]
    seen = ", ".join(
        f"{mode}: {stall.ms} ms {stall.cause} {stall.at()}"
        for mode, part in parts.items()
        for stall in part.stalls()
        if stall.ms > 300
    )
    return judged(seen, inside_of_runtime(told.stalls()), *found)
