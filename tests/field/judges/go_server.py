import ast

from verdict import judged

TRUTH = "an idle Go server: no loop, no stall, at most one line in the log"


def judge(stage, folder):
    for other in folder.parent.glob("*_sourcemaps"):  # whose esbuild it takes
        stage.npm(other)
    told = stage.script(folder, "case.py")
    loops = ast.literal_eval(told.find(r"^loops of it: (\[.*\])").group(1))
    stalls, seconds = told.find(r"^(\d+) stalls, ([\d.]+) s of stall").groups()
    logged = len(told.lines(r"^  log\|"))
    return judged(
        f"{len(loops)} loops, {stalls} stalls of {seconds} s, {logged} log lines",
        f"{len(loops)} loops" if loops else "",
        f"{stalls} stalls" if int(stalls) else "",
        f"{logged} log lines" if logged > 1 else "",
    )
