"""README's table of programs, and whether what was seen of one is what it says."""

import re
from typing import NamedTuple

from harness import env

README = env.REPO_DIR / "README.md"


class Seen(NamedTuple):
    stalls: bool
    phases: bool
    who: str  # line, function, some, nobody, or false: NAME

    def told(self):
        stalls = "stalls" if self.stalls else "no stalls"
        return f"{stalls}, {'phase' if self.phases else 'no phase'}, {self.who}"


def promised(words):
    """The cells beside the one row whose program's cell begins with these words, or None."""
    text = README.read_text(encoding="utf-8")
    table = re.search(r"^\| program \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE).group(1)
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]
    found = [cells[1:] for cells in rows if cells[0].startswith(words)]
    return found[0] if len(found) == 1 else None


def differences(name, words, seen):
    """Where README says more than was seen, or less."""
    row = promised(words)
    if row is None:
        yield f"README has no row about {words}, or several"
        return
    stalls, phases, names = row
    if stalls.startswith("yes") != seen.stalls:
        yield f"{name}: stalls {'are' if seen.stalls else 'are not'} seen, README says: {stalls}"
    if phases.startswith("yes") != seen.phases:
        yield f"{name}: the phase {'is' if seen.phases else 'is not'} seen, README says: {phases}"
    if _kind(names) != seen.who:
        yield f"{name}: names {seen.who}, README says: {names}"


def _kind(names):
    if names.startswith("function, file, line"):
        return "line"
    return "function" if names.startswith("function") else "nobody"
