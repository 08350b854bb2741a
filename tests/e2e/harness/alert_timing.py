"""When an alert's condition came true, from Prometheus' own data."""

from harness.compressed_rules import alerts_of, seconds_of

_STEP = 0.05


def for_seconds(prometheus, alert):
    return seconds_of(alerts_of(prometheus.rules)[alert].get("for", "0s"))


def true_since(prometheus, alert, labels, until, begin):
    """The beginning of the time up to `until` in which the condition held without a break.

    It is the rule's expression evaluated far more often than the rule is, so the answer
    does not depend on when Prometheus looked.
    """
    expression = alerts_of(prometheus.rules)[alert]["expr"]
    held = set()
    for row, values in prometheus.query_range(expression, begin, until, _STEP):
        if all(labels.get(key, "") == value for key, value in row.items() if key != "__name__"):
            held |= {round((at - begin) / _STEP) for at, _ in values}
    assert held, f"the condition of {alert}{labels} never held"
    first = max(held)
    while first - 1 in held:
        first -= 1
    return begin + first * _STEP
