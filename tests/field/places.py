"""Where a workload's marks are."""


def line_of(path, mark):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if mark in line:
                return number
    raise LookupError(f"no {mark} in {path}")
