import ast
import re

from verdict import judged

TRUTH = "40 stalls in oneLine:5 and dateLine:6 on each Node, with their lines; timers are late"
# Of 40: functions without a line; stalls without a name, as a busy machine leaves no time to look.
MOST_WITHOUT, MOST_NAMELESS = 1, 3
# Anything may be starved for 50 ms there.
MOST_OTHERS = 1


def line_faults(told):
    for node, counted in re.findall(r"^node (\d+) Counter\((\{.*?\})\)", told.text, re.MULTILINE):
        counts = ast.literal_eval(counted)
        for (function, line), count in counts.items():
            truth = {"oneLine": 5, "dateLine": 6}.get(function)
            if function and truth is None and count > MOST_OTHERS:
                yield f"Node {node}: {count} blamed on {function}"
            elif function and truth is None:
                continue
            elif line and line != truth:
                yield f"Node {node}: {count} of {function} at line {line}"
        without = sum(count for (name, line), count in counts.items() if name and not line)
        nameless = sum(count for (name, _), count in counts.items() if not name)
        if without > MOST_WITHOUT:
            yield f"Node {node}: {without} of {sum(counts.values())} without a line"
        if nameless > MOST_NAMELESS:
            yield f"Node {node}: {nameless} of {sum(counts.values())} without a name"


def lateness_faults(told):
    for line in told.lines(r"^/\w+ \(blocked, timer_lateness\): "):
        where, text = re.match(r"(/\w+) .*?: (\[.*\])", line).groups()
        pairs = [pair for pair in ast.literal_eval(text) if pair[0] >= 1]
        wrong = [pair for pair in pairs if not pair[0] - 0.6 <= pair[1] <= pair[0] + 0.1]
        if not pairs:
            yield f"{where}: the block is not seen"
        if wrong:
            yield f"{where}: timers {wrong[0][1]} s late while blocked for {wrong[0][0]} s"


def judge(stage, folder):
    lines = stage.script(folder, "case.py")
    late = stage.script(folder, "lateness.py")
    lines.find(r"^node 24 Counter")
    late.find(r"^/timer \(blocked")
    seen = "; ".join(re.sub(r" want .*", "", line) for line in lines.lines("^node "))
    return judged(seen, *line_faults(lines), *lateness_faults(late))
