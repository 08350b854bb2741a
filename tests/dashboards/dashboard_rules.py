"""The rules for dashboards. Each takes a dashboard and yields what is wrong with it."""

import re

from catalogue import read_catalogue
from panel_queries import EMPTY_FOR_HEALTHY, REPO_DIR, all_panels
from promql import parts

UIDS = {"Loop overview": "loopscope-overview", "Backlog and accepts": "loopscope-backlog"}
DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
SELECTIONS = ("job", "instance", "process")
# Panels without figures.
WORDS_ONLY = {"row", "text"}
# Series that exist for trouble only.
EMPTY_SERIES = {"eventloop_stall_culprit_seconds_total"}
# Looked into where it exists: the dashboards may be checked without the alerts.
RUNBOOKS = REPO_DIR / "docs" / "runbooks"


def targets(dashboard):
    for panel in all_panels(dashboard):
        for target in panel.get("targets") or []:
            yield panel, target


def expressions(dashboard):
    for panel, target in targets(dashboard):
        yield f'panel "{panel["title"]}" {target["refId"]}', target["expr"]
    for annotation in dashboard["annotations"].get("list", []):
        yield f'annotation "{annotation["name"]}"', annotation["expr"]
    for variable in dashboard["templating"].get("list", []):
        if variable["type"] == "query":
            inner = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"])
            yield f'variable "{variable["name"]}"', inner.group(1) if inner else variable["query"]


def identity(dashboard):
    if dashboard.get("uid") != UIDS.get(dashboard["title"]):
        yield f'uid of "{dashboard["title"]}" is {dashboard.get("uid")}'
    if dashboard.get("id", 0) is not None:
        yield f'id is {dashboard.get("id", "missing")}, not null'
    for panel in all_panels(dashboard):
        if "id" in panel:
            yield f'panel "{panel["title"]}" has a number'
    for key in ("__inputs", "__requires", "gnetId", "version", "iteration"):
        if key in dashboard:
            yield f"{key} is of one import or one Grafana"
    titles = [panel["title"] for panel in all_panels(dashboard)]
    for title in sorted({title for title in titles if titles.count(title) > 1}):
        yield f'two panels are called "{title}"'


def data_sources(dashboard):
    variables = {entry["name"]: entry for entry in dashboard["templating"].get("list", [])}
    chosen = variables.get("datasource", {})
    if (chosen.get("type"), chosen.get("query")) != ("datasource", "prometheus"):
        yield "no variable `datasource` that chooses a Prometheus"
    users = [(f'panel "{panel["title"]}"', panel) for panel in all_panels(dashboard)]
    users += [(f'a query of "{panel["title"]}"', target) for panel, target in targets(dashboard)]
    users += [(f'variable "{name}"', entry) for name, entry in variables.items()]
    users += [("an annotation", entry) for entry in dashboard["annotations"].get("list", [])]
    for what, user in users:
        if user.get("type") not in ("row", "datasource") and user.get("datasource") != DATA_SOURCE:
            yield f'{what} has the data source {user.get("datasource")}'


def variables(dashboard):
    entries = {entry["name"]: entry for entry in dashboard["templating"].get("list", [])}
    for name in SELECTIONS:
        entry = entries.get(name, {})
        if entry.get("type") != "query":
            yield f"no query variable `{name}`"
        for key, wanted in (("multi", True), ("includeAll", True), ("refresh", 2)):
            if entry.get(key) != wanted:
                yield f"variable `{name}`: {key} is {entry.get(key)}, not {wanted}"
    for where, expr in expressions(dashboard):
        for use in re.finditer(r'(\w+)\s*(=~|!~|!=|=)\s*"[^"]*\$\{?(\w+)', expr):
            label, operator, variable = use.groups()
            if operator != "=~" or label != variable:
                yield f"{where}: {use.group(0)}: a variable of several values needs {variable}=~"


def selection(dashboard):
    """Every query obeys the variables."""
    catalogue = read_catalogue()
    for panel, target in targets(dashboard):
        for metric, matchers in re.findall(r"([a-z_]+)\{([^{}]*)\}", target["expr"]):
            labels = catalogue[metric].labels if metric in catalogue else set()
            for name in SELECTIONS:
                if name in labels and f'{name}=~"${name}"' not in matchers:
                    yield f'panel "{panel["title"]}": {metric} is not limited to ${name}'
        selected = len(re.findall(r"[a-z_]+\{", target["expr"]))
        named = len(re.findall(r"\b(?:eventloop|loopscope|process)_[a-z_]+\b(?!=)", target["expr"]))
        if selected < named:
            yield f'panel "{panel["title"]}": a metric without a selector'


def texts(dashboard):
    if not dashboard.get("description"):
        yield "the dashboard has no description"
    for panel in all_panels(dashboard):
        title, kind = panel["title"], panel["type"]
        if kind == "row":
            continue
        description = panel.get("description", "")
        if not description:
            yield f'panel "{title}" has no description'
        if kind not in WORDS_ONLY and not panel["fieldConfig"]["defaults"].get("unit"):
            yield f'panel "{title}" has no unit'
        used = set().union(*(parts(t["expr"]).metrics for t in panel.get("targets") or []), set())
        if used and used <= EMPTY_SERIES and EMPTY_FOR_HEALTHY not in description:
            yield f'panel "{title}" does not say "{EMPTY_FOR_HEALTHY}"'
        if kind not in WORDS_ONLY and not panel.get("targets"):
            yield f'panel "{title}" has no query'
    runbooks = re.findall(r"docs/runbooks/(\w+\.md)", str(dashboard))
    if not runbooks:
        yield "no panel names a runbook"
    for name in runbooks:
        if RUNBOOKS.is_dir() and not (RUNBOOKS / name).is_file():
            yield f"docs/runbooks/{name} does not exist"


def windows(dashboard):
    for panel, target in targets(dashboard):
        found = parts(target["expr"])
        # One evaluation may speak of the whole time range; a line's points may not.
        allowed = {"$__rate_interval"} | ({"$__range"} if target.get("instant") else set())
        for window in found.windows + found.offsets:
            if window not in allowed:
                yield f'panel "{panel["title"]}": window {window}, not $__rate_interval'


def metrics(dashboard):
    catalogue = read_catalogue()
    for where, expr in expressions(dashboard):
        found = parts(expr)
        if where.startswith("annotation"):
            if found.metrics != {"ALERTS"}:
                yield f"{where}: not about ALERTS"
            continue
        known = set().union(*(catalogue[m].labels for m in found.metrics if m in catalogue))
        for metric in sorted(found.metrics - set(catalogue)):
            yield f"{where}: no metric {metric} in docs/metrics.md"
        for label in sorted(found.labels - known):
            yield f"{where}: none of its metrics has a label {label}"
        for call, metric in re.findall(r"\b(rate|increase|irate)\(([a-z_]+)", expr):
            if metric in catalogue and catalogue[metric].type == "gauge":
                yield f"{where}: {call}() of the gauge {metric}"


def links(dashboard):
    others = set(UIDS.values()) - {dashboard.get("uid")}
    for uid in others:
        found = [entry for entry in dashboard.get("links", []) if entry.get("url") == f"/d/{uid}"]
        if not any(entry["keepTime"] and entry["includeVars"] for entry in found):
            yield f"no link to {uid} that keeps time and variables"
    for uid in re.findall(r"/d/([\w-]+)", str(dashboard)):
        if uid not in UIDS.values():
            yield f"a link to the unknown dashboard {uid}"


RULES = (identity, data_sources, variables, selection, texts, windows, metrics, links)


def problems(dashboard):
    return [f"{rule.__name__}: {what}" for rule in RULES for what in rule(dashboard)]
