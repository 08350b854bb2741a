"""A strict reader of the Prometheus text format 0.0.4, and the checks every scrape must pass."""

import re

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_SAMPLE = re.compile(rf"^({_NAME})(\{{.*\}})? (\S+)$")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
_ESCAPE = re.compile(r'\\(["\\n])')
_SUFFIXES = ("_bucket", "_sum", "_count")
_OF_PROCESS_INFO = ("pid", "runtime", "runtime_version", "executable")


class FormatError(AssertionError):
    """The text is not what a Prometheus server may be given."""


def _unescape(text):
    return _ESCAPE.sub(lambda m: {"n": "\n"}.get(m.group(1), m.group(1)), text)


def _parse_labels(text, line):
    labels, position, inner = {}, 0, text[1:-1]
    while position < len(inner):
        match = _LABEL.match(inner, position)
        if match is None or match.group(1) in labels:
            raise FormatError(f"bad labels: {line}")
        labels[match.group(1)] = _unescape(match.group(2))
        position = match.end()
    return labels


class Metrics:
    """One scrape: families by name, samples as (labels, value)."""

    def __init__(self, text):
        self.types, self.help = {}, {}
        self._samples = {}
        self._seen = set()
        family = None
        if text and not text.endswith("\n"):
            raise FormatError("the last line does not end in a newline")
        for line in text.splitlines():
            if not line:
                continue
            if line.startswith("# HELP "):
                family = self._declare(self.help, line.split(" ", 3), line)
            elif line.startswith("# TYPE "):
                family = self._declare(self.types, line.split(" ", 3), line)
            elif not line.startswith("#"):
                self._add(line, family)
        self._check_histograms()
        self._join_pids()

    @staticmethod
    def _declare(table, parts, line):
        name = parts[2]
        if name in table:
            raise FormatError(f"declared twice: {line}")
        table[name] = parts[3] if len(parts) > 3 else ""
        return name

    def _add(self, line, family):
        match = _SAMPLE.match(line)
        if match is None:
            raise FormatError(f"not a sample: {line}")
        name, label_text, value_text = match.groups()
        labels = _parse_labels(label_text, line) if label_text else {}
        if family is None or family not in self.types:
            raise FormatError(f"sample without a TYPE before it: {line}")
        allowed = {family}
        if self.types[family] in ("histogram", "summary"):
            allowed |= {family + suffix for suffix in _SUFFIXES}
        if name not in allowed:
            raise FormatError(f"sample outside its family {family}: {line}")
        key = (name, tuple(sorted(labels.items())))
        if key in self._seen:
            raise FormatError(f"series given twice: {line}")
        self._seen.add(key)
        self._samples.setdefault(name, []).append((labels, float(value_text)))

    def _join_pids(self):
        """Series have a slot and no pid; eventloop_process_info says whose it is. For tests,
        which know pids, every sample of a process gets its pid as a label (`keys()` do not)."""
        owners = {}
        for have, _ in self._samples.get("eventloop_process_info", []):
            identity = {k: v for k, v in have.items() if k not in _OF_PROCESS_INFO}
            owners.setdefault((have["process"], have["slot"]), []).append((identity, have["pid"]))
        for samples in self._samples.values():
            for have, _ in samples:
                if "pid" in have or "slot" not in have:
                    continue
                # Of a process outside of containers the labels are a part of everybody's.
                fitting = [
                    (len(identity), pid)
                    for identity, pid in owners.get((have["process"], have["slot"]), [])
                    if identity.items() <= have.items()
                ]
                if fitting:
                    have["pid"] = max(fitting)[1]

    def identity(self, pid):
        """The labels that tell the series of a process from all others."""
        found = self.samples("eventloop_process_info", pid=pid)
        if len(found) != 1:
            raise FormatError(f"{len(found)} processes with pid {pid}, expected one")
        return {k: v for k, v in found[0][0].items() if k not in _OF_PROCESS_INFO}

    def keys_of(self, pid):
        """Every series of a process, as (name, labels); none if it is not there."""
        return [
            (name, {k: v for k, v in have.items() if k != "pid"})
            for name, samples in self._samples.items()
            for have, _ in samples
            if have.get("pid") == str(pid)
        ]

    def _check_histograms(self):
        for family, kind in self.types.items():
            if kind != "histogram":
                continue
            series = {}
            for labels, value in self._samples.get(family + "_bucket", []):
                rest = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
                series.setdefault(rest, []).append((float(labels["le"]), value))
            for rest, buckets in series.items():
                buckets.sort()
                counts = [count for _, count in buckets]
                if counts != sorted(counts) or buckets[-1][0] != float("inf"):
                    raise FormatError(f"buckets of {family}{dict(rest)} are not cumulative")
                # Not by value(): the labels of one may be a part of another's.
                count = [v for have, v in self._samples.get(family + "_count", [])
                         if have == dict(rest)]
                if count != [counts[-1]]:
                    raise FormatError(f"{family}{dict(rest)}: +Inf bucket is not the count")

    def samples(self, name, **labels):
        """All (labels, value) of a metric whose labels include those given."""
        wanted = {key: str(value) for key, value in labels.items()}
        return [
            (have, value)
            for have, value in self._samples.get(name, [])
            if wanted.items() <= have.items()
        ]

    def sum(self, name, **labels):
        return sum(value for _, value in self.samples(name, **labels))

    def value(self, name, **labels):
        """The one sample that matches; none or several is a failure."""
        found = self.samples(name, **labels)
        if len(found) != 1:
            raise FormatError(f"{len(found)} samples of {name}{labels}, expected one")
        return found[0][1]

    def by(self, name, label, **labels):
        """Sums of a metric by the values of one label."""
        totals = {}
        for have, value in self.samples(name, **labels):
            key = have.get(label, "")
            totals[key] = totals.get(key, 0.0) + value
        return totals

    def names(self):
        return set(self._samples)

    def keys(self):
        """Every series as (name, sorted labels)."""
        return set(self._seen)

    def counters(self):
        """Every series that may never go down, as {(name, labels): value}."""
        result = {}
        for family, kind in self.types.items():
            if kind == "counter":
                names = [family]
            elif kind == "histogram":
                names = [family + suffix for suffix in _SUFFIXES]
            else:
                continue
            for name in names:
                for labels, value in self._samples.get(name, []):
                    result[(name, tuple(sorted(labels.items())))] = value
        return result
