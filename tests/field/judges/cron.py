import ast

from verdict import judged

TRUTH = "a timer is due each second while backup:6 blocks timers for 2.6 s: it is late"


def judge(stage, folder):
    stage.npm(folder)
    told = stage.script(folder, "case.py")
    pairs = ast.literal_eval(told.find(r"every 0.25 s: (\[.*\])").group(1))
    long = [(blocked, late) for blocked, late in pairs if blocked >= 1.6]
    wrong = [pair for pair in long if not 0.5 <= pair[1] <= pair[0] + 0.2]
    named = [s for s in told.stalls() if (s.function, s.line) == ("backup", 6) and s.ms > 2400]
    return judged(
        f"(blocked, late): {long}",
        "" if long else "the block is not seen",
        f"lateness {wrong[0][1]} s while blocked for {wrong[0][0]} s" if wrong else "",
        "" if named else "no stall in backup:6",
    )
