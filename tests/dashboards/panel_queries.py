"""Every query of the dashboards, with Grafana's variables filled in.

    for query in panel_queries(rate_interval="20s", time_range="5m"):
        query.dashboard, query.panel, query.expr, query.may_be_empty
"""

import json
import re
from pathlib import Path
from typing import Iterator, NamedTuple

REPO_DIR = Path(__file__).resolve().parent.parent.parent
DASHBOARD_DIR = REPO_DIR / "dashboards"

# A panel's description says so in these words where a healthy process has no rows.
EMPTY_FOR_HEALTHY = "Empty for a healthy process"

VARIABLE = re.compile(r"\$\{?(\w+)\}?")


class PanelQuery(NamedTuple):
    dashboard: str  # title
    panel: str  # title; "annotation NAME" for an annotation
    ref_id: str
    expr: str  # PromQL without variables
    instant: bool  # evaluated once, at the end of the time range
    may_be_empty: bool  # no rows although everything is well


def dashboard_files():
    return sorted(DASHBOARD_DIR.glob("*.json"))


def all_panels(dashboard):
    """Panels in order, those within collapsed rows too."""
    for panel in dashboard.get("panels", []):
        yield panel
        yield from panel.get("panels") or []


def substitute(expr, rate_interval="1m", time_range="1h", interval="15s", process=".*"):
    """Fills in everything Grafana would; an unknown variable is an error."""
    filled = {
        "job": ".*",
        "instance": ".*",
        "process": process,
        "__rate_interval": rate_interval,
        "__range": time_range,
        "__interval": interval,
    }
    return VARIABLE.sub(lambda match: filled[match.group(1)], expr)


def queries_of(dashboard, **values) -> Iterator[PanelQuery]:
    title = dashboard["title"]
    for panel in all_panels(dashboard):
        for target in panel.get("targets") or []:
            yield PanelQuery(
                title,
                panel["title"],
                target["refId"],
                substitute(target["expr"], **values),
                bool(target.get("instant")),
                EMPTY_FOR_HEALTHY in panel.get("description", ""),
            )
    for annotation in dashboard.get("annotations", {}).get("list", []):
        if "expr" in annotation:
            yield PanelQuery(
                title,
                f"annotation {annotation['name']}",
                "Alerts",
                substitute(annotation["expr"], **values),
                False,
                True,
            )


def panel_queries(**values) -> Iterator[PanelQuery]:
    """Of both committed dashboards; values: what substitute() takes."""
    for path in dashboard_files():
        yield from queries_of(json.loads(path.read_text(encoding="utf-8")), **values)
