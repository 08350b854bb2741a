"""One line a case, and the table."""

from collections import Counter

from verdict import NOT_PLAYED, NOT_YET, RIGHT, WRONG


def _cell(text):
    return " ".join(text.split()).replace("|", "\\|")


class Report:
    def __init__(self, program):
        self._program = program
        self._rows = []

    def add(self, name, truth, verdict):
        self._rows.append((name, truth, verdict))
        seen = " ".join(verdict.seen.split())
        print(f"{verdict.kind:10} {name} | truth: {truth} | seen: {seen}", flush=True)

    def has(self, kind):
        return any(verdict.kind == kind for _, _, verdict in self._rows)

    def counts(self):
        count = Counter(verdict.kind for _, _, verdict in self._rows)
        kinds = (RIGHT, WRONG, NOT_YET, NOT_PLAYED)
        return ", ".join(f"{count[kind]} {kind}" for kind in kinds if count[kind])

    def write(self, path):
        lines = ["| case | truth | seen | verdict |", "|---|---|---|---|"]
        for name, truth, verdict in self._rows:
            cells = map(_cell, (name, truth, verdict.seen, verdict.kind))
            lines.append(f"| {' | '.join(cells)} |")
        path.write_text("\n".join([*lines, "", self.counts(), ""]), encoding="utf-8")
        return path
