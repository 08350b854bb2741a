import ast

from verdict import judged

TRUTH = "nobody stops the target but the captures: no second `stopped`"


def judge(stage, folder):
    told = stage.script(folder, "case.py")
    count, parts = told.find(r"^(\d+) stalls; with a `stopped` part: (\[.*\])").groups()
    stopped = ast.literal_eval(parts)
    taken = int(float(told.find(r'captures_total\{result="ptrace"\} (\S+)').group(1)))
    return judged(
        f"{len(stopped)} of {count} stalls have a stopped part; {taken} captures by ptrace",
        f"{sum(s for _, s in stopped):.3f} s stopped by nobody" if stopped else "",
        "" if int(count) >= 23 else f"{count} stalls of 25",
        "" if taken else "no capture stopped it: nothing was tried",
    )
