import sys

from harness.child import Child
from harness.loopscope import Loopscope
from verdict import judged, not_yet

TRUTH = "time.sleep(1.2) in a coroutine is counted as blocked, 0.8 s of computing as a stall"
FUNCTIONS = {"call_partner", "price_all"}


def judge(stage, folder):
    target = Child([sys.executable, folder / "app.py"])
    loopscope = None
    try:
        target.wait_line("^ready")
        loopscope = Loopscope("--pid", target.pid)
        target.wait_line("^done", timeout=30)
        stalls = [
            stall
            for stall in loopscope.json("/api/v1/stalls?limit=50")
            if stall["duration_seconds"] > 0.5
        ]
    finally:
        for child in (loopscope, target):
            if child is not None:
                child.kill()
    slept = [s for s in stalls if s["cause"] == "blocked" and 1.1 < s["duration_seconds"] < 1.4]
    computed = [s for s in stalls if s["cause"] != "blocked" and 0.7 < s["duration_seconds"] < 1.1]
    names = [stall["function"] for stall in stalls if stall["function"]]
    false = sorted(set(names) - FUNCTIONS)  # of the interpreter, time_sleep as well
    faults = (
        "" if len(slept) == 1 else f"{len(slept)} stalls of 1.2 s asleep",
        "" if len(computed) == 1 else f"{len(computed)} stalls of 0.8 s of computing",
        f"blames the runtime's insides: {', '.join(false)}" if false else "",
    )
    seen = f"{len(stalls)} stalls, named {', '.join(names) or 'nobody'}"
    if FUNCTIONS <= set(names):
        return judged(seen, *faults)
    return not_yet(seen, "Python's functions are not named yet", *faults)
