#!/usr/bin/env python3
"""Writes the table of values in the chart's README from the comments in its values.yaml.

    tools/chart_readme.py            write it
    tools/chart_readme.py --check    exit code 1 if it is not what would be written
"""

import json
import pathlib
import re
import sys

import yaml

CHART = pathlib.Path(__file__).resolve().parent.parent / "helm" / "loopscope"
BEGIN = "<!-- values: written by tools/chart_readme.py from values.yaml -->"
END = "<!-- end of values -->"
KEY = re.compile(r"^( *)([A-Za-z]\w*):(.*)$")


def described_keys(text):
    """Yields (path, description) for every key that has a comment right above it."""
    path, comment, skip = [], [], None
    for line in text.splitlines():
        if skip is not None and (not line.strip() or len(line) - len(line.lstrip()) > skip):
            continue
        skip = None
        if line.lstrip().startswith("#"):
            comment.append(line.strip().lstrip("#").strip())
            continue
        match = KEY.match(line)
        if match:
            indent = len(match[1])
            path[indent // 2 :] = [match[2]]
            if comment:
                yield tuple(path), " ".join(comment)
                skip = indent  # what is below belongs to its default
            elif match[3].strip():
                raise ValueError(f"values.yaml: {'.'.join(path)} has no comment")
        comment = []


def table(text):
    values = yaml.safe_load(text)
    rows = ["| value | default | meaning |", "|---|---|---|"]
    for path, description in described_keys(text):
        default = values
        for key in path:
            default = default[key]
        cells = (f"`{'.'.join(path)}`", f"`{json.dumps(default)}`", description.replace("|", "\\|"))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def written(readme, values):
    """The README with its table of values made anew."""
    before, rest = readme.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n\n{table(values)}\n\n{END}{after}"


def main():
    readme = CHART / "README.md"
    have = readme.read_text(encoding="utf-8")
    want = written(have, (CHART / "values.yaml").read_text(encoding="utf-8"))
    if "--check" in sys.argv:
        if have != want:
            sys.exit("helm/loopscope/README.md: not what tools/chart_readme.py writes; run `make chart`")
    elif have != want:
        readme.write_text(want, encoding="utf-8")


if __name__ == "__main__":
    main()
