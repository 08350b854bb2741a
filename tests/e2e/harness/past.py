"""A past for a Prometheus that has not begun yet."""

import subprocess

from harness import env


def write_past(directory, storage, series, end, seconds, step):
    """Constant values of `series` ({series: value}) for the time up to `end`."""
    steps = round(seconds / step)
    lines = [
        f"{name} {value} {end - (steps - i) * step:.3f}\n"
        for name, value in series.items()
        for i in range(steps)
    ]
    text = directory / "past.txt"
    text.write_text("".join(lines) + "# EOF\n")
    subprocess.run(
        [env.tool("promtool"), "tsdb", "create-blocks-from", "openmetrics", text, storage],
        check=True,
        timeout=60,
        stdout=subprocess.DEVNULL,
    )
