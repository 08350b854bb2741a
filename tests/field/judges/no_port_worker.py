import re

from verdict import judged

TRUTH = "a worker without a port, blocked for 3 s: watched, or the log says how to watch it"
HOW = re.compile(r"--(pid|name)\b|left out|not watched|not chosen")


def judge(stage, folder):
    told = stage.script(folder, "case.py")
    pid = told.find(r"== \['--pid', '(\d+)'\]").group(1)
    alone = told.text.split("doctor (no selection)")[0]
    watched = f", {pid})" in alone.splitlines()[0]
    hints = [
        line
        for line in alone.splitlines()
        if "log|" in line and HOW.search(line) and (pid in line or "worker.js" in line)
    ]
    parts = told.sections(r"^== (\[.*?\])")
    unseen = [name for name, part in parts.items() if f", {pid})" not in part.lines("^==")[0]]
    named = [s for s in told.stalls() if s.function == "reconcile" and s.line == 7]
    seen = "watched without a selection" if watched else f"left out, log: {hints[:1] or 'nothing'}"
    return judged(
        seen,
        "" if watched or hints else "not watched, and the log does not say so",
        f"not seen by {unseen}" if unseen else "",
        "" if named else "no stall in reconcile:7",
    )
