"""What a PromQL expression names: metrics, labels, windows. Whether it parses is promtool's
business; this reads expressions that parse."""

import re
from typing import NamedTuple

STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
IDENTIFIER = r"[A-Za-z_:][\w:]*"
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")
SELECTOR = re.compile(r"\{([^{}]*)\}")
WINDOW = re.compile(r"\[([^\[\]]*)\]")
OFFSET = re.compile(r"\boffset\s+(\S+?)(?=[\s)]|$)")
# An identifier that no bracket follows and that is not part of a variable or a number.
METRIC = re.compile(rf"(?<![\w$:.])({IDENTIFIER})\b(?!\s*\()")
KEYWORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring"} | {
    "group_left",
    "group_right",
    "inf",
    "nan",
}


class Parts(NamedTuple):
    metrics: set
    labels: set
    windows: list  # of range selectors: "$__rate_interval"
    offsets: list


def parts(expr):
    labels = set()
    bare = STRING.sub('""', expr)

    def note_grouping(match):
        labels.update(name.strip() for name in match.group(1).split(",") if name.strip())
        return " "

    def note_selector(match):
        labels.update(re.findall(rf"({IDENTIFIER})\s*(?:=~|!~|!=|=)", match.group(1)))
        return " "

    windows = WINDOW.findall(bare)
    offsets = OFFSET.findall(bare)
    bare = GROUPING.sub(note_grouping, bare)
    bare = SELECTOR.sub(note_selector, bare)
    bare = WINDOW.sub(" ", OFFSET.sub(" ", bare))
    metrics = {name for name in METRIC.findall(bare) if name.lower() not in KEYWORDS}
    return Parts(metrics, labels, windows, offsets)
