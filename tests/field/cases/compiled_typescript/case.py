from harness.child import Child
from harness.loopscope import Loopscope
from harness.polling import wait_until
from places import line_of
from verdict import judged, not_yet

TRUTH = "TypeScript compiled in memory by tsx: priceOrder at its line, or no line; never another"
WANTED = 3  # stalls


def judge(stage, folder):
    home = stage.copy(folder)
    stage.npm(home)
    source = home / "orders.ts"
    here = line_of(source, "HERE")
    loader = home / "node_modules" / "tsx" / "dist" / "loader.mjs"
    target = Child([stage.node("22"), "--import", f"file://{loader}", source], cwd=home)
    loopscope = None
    try:
        target.wait_line("^ready", timeout=60)
        loopscope = Loopscope("--pid", target.pid)

        def priced():
            found = [
                stall
                for stall in loopscope.json("/api/v1/stalls?limit=50")
                if stall["duration_seconds"] > 0.3 and not stall["in_progress"]
            ]
            return found if len(found) >= WANTED else None

        stalls = wait_until(priced, 30, "stalls")
    finally:
        for child in (loopscope, target):
            if child is not None:
                child.kill()
    places = {(stall["function"], stall["line"] or 0) for stall in stalls}
    false = sorted(f"{name}:{line}" for name, line in places if line not in (0, here, here - 1))
    others = sorted({name or "nobody" for name, _ in places} - {"priceOrder"})
    seen = ", ".join(f"{name}:{line or 'no line'}" for name, line in sorted(places, key=str))
    faults = (
        f"false line {', '.join(false)}, truth {here}" if false else "",
        f"names {', '.join(others)}" if others else "",
    )
    if any(not line for _, line in places):
        return not_yet(seen, "source maps are not read yet", *faults)
    return judged(seen, *faults)
