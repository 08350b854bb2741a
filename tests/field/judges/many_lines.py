import ast

from verdict import judged

TRUTH = "one function of 120 hot lines: one series, the heaviest first, few lines in the log"
MOST_LOG_LINES = 12


def judge(stage, folder):
    told = stage.script(folder, "case.py")
    series = ast.literal_eval(told.find(r"series and seconds by function: (\{.*\})").group(1))
    logged = int(told.find(r"of them flat\(\): (\d+)").group(1))
    first = told.text.split("top 5 by the README's query:")[1].strip().splitlines()[0]
    truth = told.find(r'TRUTH ms: \{"flat":([\d.]+)')
    flat = series.get("flat", (0, 0.0))
    return judged(
        f"flat: {flat[0]} series, {flat[1]} s of {float(truth.group(1)) / 1000:.1f};"
        f" {logged} log lines",
        "" if flat[0] == 1 else f"{flat[0]} series of one function",
        "" if 'function="flat"' in first else "the README's query names another function first",
        # Stalls without a name are missing; more would be wrong.
        "" if flat[1] > 0.85 * float(truth.group(1)) / 1000 else f"only {flat[1]} s are flat's",
        "" if logged <= MOST_LOG_LINES else f"{logged} log lines of one function",
    )
