from transcript import inside_of_runtime
from verdict import judged, not_yet

TRUTH = "the place in src.ts; until source maps are read the bundle's line, or one marked generated"
WANTED = {"checkRow": "err.stack.split", "sumRows": "n += r.id"}


def marked_lines(path, text):
    with open(path, encoding="utf-8", errors="replace") as file:
        return {number for number, line in enumerate(file, 1) if text in line}


def faults(folder, part):
    for stall in part.stalls():
        if stall.ms < 250 or not stall.line:
            continue  # starting up, or no line is said
        if stall.function not in WANTED:
            yield f"blames {stall.at()}"
        elif not stall.file.startswith("/"):
            yield f"{stall.at()} is in no file: {stall.file}"
        elif stall.line not in marked_lines(stall.file, WANTED[stall.function]):
            yield f"wrong line: {stall.at()} of {stall.file.rsplit('/', 1)[-1]}"


def judge(stage, folder):
    stage.npm(folder)
    if not (folder / "dist" / "min.js").is_file():
        stage.command(["sh", "build.sh"], folder, PATH=f"{stage.node('22').parent}:/usr/bin:/bin")
    told = stage.script(folder, "case.py")
    parts = told.sections(r"^== (.*?) truth")
    # Minified names are generated ones, and the one line is not worth looking at.
    plain = [part for name, part in parts.items() if "min.js" not in name]
    found = [fault for part in plain for fault in faults(folder, part)]
    found.append(inside_of_runtime(told.stalls()))
    places = sorted({f"{s.at()} {s.file.rsplit('/', 1)[-1]}" for s in told.stalls() if s.ms >= 250})
    seen = ", ".join(places)
    if any(stall.file.endswith("src.ts") for stall in told.stalls()):
        return judged(seen, *found)
    return not_yet(seen, "source maps are not read yet", *found)
