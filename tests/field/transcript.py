"""Reads what the scripts of handed cases print."""

import json
import re
from typing import NamedTuple

# Insides of runtimes: never a culprit.
INSIDE = re.compile(
    r"^(Builtins_|v8::|node::|uv_|_?Py[A-Z]|JSC::|WTF::|\w*Interpreter\w*Trampoline)"
    r"|DefaultJobState|SpinEventLoop"
)

_STALL = re.compile(
    r"stall (?P<process>.*?)/(?P<loop>[\w-]+) (?P<ms>\d+) ms phase=(?P<phase>\S*) "
    r"cause=(?P<cause>\S*) (?P<causes>\{.*?\}) -> (?P<function>'.*?'|\".*?\"|None) "
    r"(?P<file>.*?):(?P<line>\S+) detail=(?P<detail>.*)"
)


class Stall(NamedTuple):
    process: str
    ms: int
    phase: str
    cause: str
    causes: dict
    function: str
    file: str
    line: int
    detail: str

    def at(self):
        name = self.function or "no name"
        return f"{name}:{self.line}" if self.line else name


def _stall(match):
    text = match["function"]
    causes = re.findall(r"'(\w+)': ([\d.]+)", match["causes"])
    return Stall(
        match["process"],
        int(match["ms"]),
        match["phase"],
        match["cause"],
        {name: float(value) for name, value in causes},
        "" if text == "None" else text[1:-1],
        match["file"],
        int(match["line"]) if match["line"].isdigit() else 0,
        match["detail"],
    )


class Transcript:
    def __init__(self, text, exit_code=0):
        self.text = text
        self.exit_code = exit_code

    def lines(self, pattern=""):
        return [line for line in self.text.splitlines() if re.search(pattern, line)]

    def find(self, pattern):
        """The match of a pattern that has to be there."""
        match = re.search(pattern, self.text, re.MULTILINE)
        if not match:
            raise AssertionError(f"the case printed nothing like {pattern!r}:\n{self.text[-2000:]}")
        return match

    def stalls(self):
        found = map(_STALL.search, self.lines("stall .* ms phase="))
        return [_stall(match) for match in found if match]

    def truths(self):
        """What workloads said in lines of `TRUTH {...}`."""
        return [json.loads(text) for text in re.findall(r"TRUTH (\{.*\})", self.text)]

    def sections(self, pattern):
        """{title: Transcript}: the parts that begin with lines matching the pattern."""
        parts, title = {}, None
        for line in self.text.splitlines():
            match = re.search(pattern, line)
            if match:
                title = match.group(1)
                parts[title] = []
            if title is not None:
                parts[title].append(line)
        return {name: Transcript("\n".join(lines)) for name, lines in parts.items()}


def inside_of_runtime(stalls):
    """A fault, if a stall is blamed on the insides of a runtime."""
    found = sorted({stall.function for stall in stalls if INSIDE.search(stall.function)})
    return f"blames the runtime's insides: {', '.join(found)}" if found else ""
