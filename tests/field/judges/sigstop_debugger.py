from transcript import inside_of_runtime
from verdict import judged

TRUTH = "stopped for 2 s while idle, for 1 s in burn:8, at a breakpoint in stopHere:5: no insides"


def judge(stage, folder):
    told = stage.script(folder, "case.py")
    stalls = [stall for stall in told.stalls() if stall.ms > 400]
    idle = [s for s in stalls if s.cause == "stopped" and 1900 <= s.ms <= 2300]
    inside = [s for s in stalls if s.function == "burn" and s.causes.get("stopped", 0) > 0.9]
    paused = [s for s in stalls if (s.function, s.line) == ("stopHere", 5) and s.ms > 1400]
    burnt = [s for s in stalls if (s.function, s.line) == ("burn", 8)]
    named = [s.at() for s in idle if s.function]
    return judged(
        ", ".join(f"{s.ms} ms {s.cause} {s.at()}" for s in stalls),
        inside_of_runtime(stalls),
        "" if idle else "no stall of 2 s that was stopped",
        f"blames {', '.join(named)} for standing still" if named else "",
        "" if len(inside) == 1 else "the stop within burn is not seen",
        "" if paused else "the breakpoint is not seen in stopHere:5",
        "" if len(burnt) == 2 else f"{len(burnt)} stalls in burn:8, truth 2",
        "the inspector's thread is called worker-1" if "worker-1" in told.text else "",
    )
