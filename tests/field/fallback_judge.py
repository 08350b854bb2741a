"""For handed cases that judge themselves: exit code 0 and a last word that is not WRONG."""

from verdict import NOT_PLAYED, Verdict, judged

TRUTH = "as the case itself says"


def judge(stage, folder):
    told = stage.script(folder, "case.py")
    lines = told.lines(r"\S")
    seen = " ".join(lines[-2:])[-300:]
    if not told.lines(r"^(RIGHT|WRONG)\b") and told.exit_code == 0:
        return Verdict(NOT_PLAYED, f"no judge, and the case does not say: {seen}")
    return judged(seen, f"exit code {told.exit_code}" if told.exit_code else "")
