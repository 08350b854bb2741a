import re

from verdict import judged

# top has looked for a second.
BLOCKED_MS = 500
TRUTH = "one of two workers computes for 6 s: each way of choosing sees it"


def blocked_in_top(table):
    """The largest BLOCKED_MS in a printed table."""
    header, *rows = [line.split() for line in table.splitlines() if line.strip()]
    at = header.index("BLOCKED_MS")
    values = [row[at] for row in rows if len(row) > at]
    return max((float(value) for value in values if re.fullmatch(r"[\d.]+", value)), default=0)


def judge(stage, folder):
    told = stage.script(folder, "case.py")
    found, seen = [], []
    for policy, part in told.sections(r"^== (\w+) primary").items():
        by_port, everything = re.search(
            r"--port selects: (\[.*?\]) no selection: (\[.*?\])", part.text
        ).groups()
        chosen = re.findall(r"\('(.*?)', (\d+)\)", by_port)
        names = {name for name, _ in chosen}
        ours = [pid for name, pid in re.findall(r"\('(.*?)', (\d+)\)", everything) if name in names]
        seen.append(f"{policy}: --port takes {len(chosen)} processes of 3")
        if len(chosen) < 3:
            found.append(f"{policy}: --port sees {len(chosen)} of primary and two workers")
        if not {pid for _, pid in chosen} <= set(ours):
            found.append(f"{policy}: no selection sees fewer than --port")
        if len(ours) < 3:
            found.append(f"{policy}: no selection sees {len(ours)} of three")
        tables = re.findall(r"^TIME .*\n(?:\d{4}-.*\n?)*", part.text, re.MULTILINE)
        if not tables or blocked_in_top(tables[0]) < BLOCKED_MS:
            found.append(f"{policy}: top --port shows no blocked loop")
        values = [
            float(line.rsplit(" ", 1)[1])
            for line in part.lines("eventloop_blocked_seconds")
            if any(f'process="{name}"' in line for name in names)
        ]
        if max(values, default=0) < 1:
            found.append(f"{policy}: no selection shows no blocked loop")
    return judged("; ".join(seen), *found)
