"""The metrics that exist, as docs/metrics.md has them (generated from the catalogue)."""

import re
from typing import NamedTuple

from panel_queries import REPO_DIR

ROW = re.compile(r"^\| `([a-z_]+)` \| (\w+) \| [^|]* \| ([^|]*) \|")
LOOP_LABELS = {"process", "slot", "loop"}
# Given by Prometheus when it scrapes.
SCRAPE_LABELS = {"job", "instance"}
# Of what runs in containers: from Loopscope, or from the scrape beside a pod.
CONTAINER_LABELS = {"namespace", "pod", "container", "container_id"}


class Series(NamedTuple):
    type: str  # counter, gauge, or histogram for its three series
    labels: frozenset


def read_catalogue(text=None):
    """{series name: Series}; a histogram as its three series."""
    if text is None:
        text = (REPO_DIR / "docs" / "metrics.md").read_text(encoding="utf-8")
    series = {}
    of_process = False
    for line in text.splitlines():
        if line.startswith("Of processes, without `loop`"):
            of_process = True
        match = ROW.match(line)
        if not match:
            continue
        name, kind, own = match.groups()
        labels = SCRAPE_LABELS | set(re.findall(r"`(\w+)`", own))
        if name.startswith("eventloop_"):
            labels |= LOOP_LABELS | CONTAINER_LABELS
            if of_process:
                labels.discard("loop")
        if kind == "histogram":
            series[f"{name}_bucket"] = Series(kind, frozenset(labels | {"le"}))
            for suffix in ("_sum", "_count"):
                series[f"{name}{suffix}"] = Series(kind, frozenset(labels))
        else:
            series[name] = Series(kind, frozenset(labels))
    return series
