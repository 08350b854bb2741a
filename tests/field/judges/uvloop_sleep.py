from verdict import judged, not_yet

TRUTH = "time.sleep() in a coroutine for 1.5 s, then 1 s of computing, on uvloop and asyncio"
FUNCTIONS = {"slow_partner_call", "crunch"}


def faults(name, part):
    stalls = part.stalls()
    slept = [stall for stall in stalls if stall.cause == "blocked" and 1400 <= stall.ms <= 1700]
    computed = [stall for stall in stalls if stall.cause != "blocked" and 900 <= stall.ms <= 1300]
    # Of the interpreter, time_sleep as well.
    false = sorted({stall.function for stall in stalls if stall.function} - FUNCTIONS)
    yield f"blames the runtime's insides: {', '.join(false)}" if false else ""
    yield "" if len(slept) == 1 else f"{name}: {len(slept)} stalls of 1.5 s asleep"
    yield "" if len(computed) == 1 else f"{name}: {len(computed)} stalls of 1 s of computing"


def judge(stage, folder):
    python = stage.python_packages("uvloop", "uvicorn")
    told = stage.script(folder, "case.py", python)
    parts = told.sections(r"^== (\w+) truth")
    seen = "; ".join(
        f"{name}: " + ", ".join(f"{s.ms} ms {s.cause} {s.at()}" for s in part.stalls())
        for name, part in parts.items()
    )
    found = [fault for name, part in parts.items() for fault in faults(name, part)]
    if not FUNCTIONS & {stall.function for stall in told.stalls()}:
        return not_yet(seen, "Python's functions are not named yet", *found)
    return judged(seen, *found)
