"""Prometheus rules in fast motion: every duration divided by one factor.

What is divided: `for` and `keep_firing_for`, the interval of groups, and in expressions
the windows of ranges and subqueries (`[5m]`, `[1h:1m]`) and offsets. What is not: numbers
that values are compared with, text in quotes, names of series (`...:ratio_rate5m`) and
what annotations say in words. So a count within a window ("over 60 stalls in 10
minutes") is reached by a load that is denser by the factor.
"""

import re

import yaml

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_QUOTED_OR_DURATION = re.compile(
    r"""(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)"""
    rf"|\[\s*(?P<window>{_DURATION})\s*(?::\s*(?P<step>{_DURATION})?\s*)?(?P<end>\])"
    rf"|\boffset\s+(?P<sign>-?)\s*(?P<offset>{_DURATION})",
)


def seconds_of(duration):
    """'1m30s' in seconds."""
    if not re.fullmatch(_DURATION, duration):
        raise ValueError(f"not a duration of Prometheus: {duration!r}")
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(duration))


def duration_of(seconds):
    """Seconds in Prometheus' notation; at least one millisecond."""
    return f"{max(1, round(seconds * 1000))}ms"


def compress_duration(duration, factor):
    return duration_of(seconds_of(duration) / factor)


def compress_expression(expression, factor):
    def compressed(match):
        if match["quoted"]:
            return match[0]
        if match["offset"]:
            return f"offset {match['sign']}{compress_duration(match['offset'], factor)}"
        window = compress_duration(match["window"], factor)
        if ":" not in match[0]:
            return f"[{window}]"
        step = match["step"]
        return f"[{window}:{compress_duration(step, factor) if step else ''}]"

    return _QUOTED_OR_DURATION.sub(compressed, expression)


def compress_rules(text, factor):
    """The rule file `text`, as data, with its durations divided."""
    rules = yaml.safe_load(text)
    for group in rules["groups"]:
        if "interval" in group:
            group["interval"] = compress_duration(group["interval"], factor)
        for rule in group["rules"]:
            rule["expr"] = compress_expression(str(rule["expr"]), factor)
            for key in ("for", "keep_firing_for"):
                if key in rule:
                    rule[key] = compress_duration(rule[key], factor)
    return rules


def alerts_of(rules):
    """Alerting rules by name."""
    return {r["alert"]: r for group in rules["groups"] for r in group["rules"] if "alert" in r}


def records_of(rules):
    """Names of the series that are recorded."""
    return [r["record"] for group in rules["groups"] for r in group["rules"] if "record" in r]
