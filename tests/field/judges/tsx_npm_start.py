from verdict import judged

TRUTH = "rankOffers at line 17 or 18 of server.ts, or no line; no loop but Node's; nothing left"
LINES = {0, 17, 18}


def judge(stage, folder):
    stage.npm(folder)
    told = stage.script(folder, "case.py", timeout=240)
    parts = told.sections(r"^== (.*?) truth")
    found = []
    for name, part in parts.items():
        stalls = [stall for stall in part.stalls() if stall.ms > 500 and stall.process != "esbuild"]
        found += [
            f"{name}: false line {stall.at()}"
            for stall in stalls
            if stall.function == "rankOffers" and stall.line not in LINES
        ]
        found += [
            f"{name}: blames {stall.at()}" for stall in stalls if stall.function != "rankOffers"
        ]
        if len(stalls) != 2:
            found.append(f"{name}: {len(stalls)} stalls of 0.7 s, truth 2")
        if "'esbuild'" in part.text:
            found.append(f"{name}: esbuild, a Go program, has loops")
    left = stage.end_leftovers(folder)
    if left:
        found.append(f"{left} processes went on after Loopscope had ended")
    places = sorted({stall.at() for stall in told.stalls() if stall.ms > 500})
    return judged(", ".join(places), *found)
