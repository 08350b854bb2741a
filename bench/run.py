#!/usr/bin/env python3
"""Measures what Loopscope costs. Results: build/bench/results.json and results.md.

    bench/run.py [--scale X] [--node MAJOR] [PART...]     parts: overhead stacks footprint scrape
"""

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

BENCH_DIR = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH_DIR.parent / "tests" / "e2e"))
sys.path.insert(0, str(BENCH_DIR))

import footprint  # noqa: E402
import overhead  # noqa: E402
import report  # noqa: E402
import scrape_latency  # noqa: E402
import stacks  # noqa: E402
from lib.programs import CACHE_DIR  # noqa: E402

PARTS = ("overhead", "stacks", "footprint", "scrape")


def machine():
    models = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "cpu_model": models[0] if models else "unknown",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(PARTS))
    parser.add_argument("--scale", type=float, default=1.0, help="of the time: 0.1 is a quick look")
    parser.add_argument("--node", default="22", help="Node test binary for the target")
    parser.add_argument("--output", type=Path, default=CACHE_DIR, help="folder for the results")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return arguments


def main():
    arguments = parse_arguments()
    parts = arguments.parts or PARTS
    scale = arguments.scale
    results = {"machine": machine()}
    sections = ["Measured on {cpus} CPUs ({cpu_model}), Linux {kernel}, {date}.".format(
        **results["machine"])]
    if "overhead" in parts:
        results["overhead"] = [
            overhead.run(300 * scale, arguments.node, share) for share in (False, True)
        ]
        sections += ["## Cost to the target", *map(report.overhead, results["overhead"])]
    if "stacks" in parts:
        results["stacks"] = stacks.run(300 * scale, arguments.node)
        sections += ["## Cost of taking stacks", report.stacks(results["stacks"])]
    if "footprint" in parts:
        results["footprint"] = footprint.run(20 * scale)
        sections += ["## Loopscope's own CPU and memory", report.footprint(results["footprint"])]
    if "scrape" in parts:
        results["scrape"] = scrape_latency.run(int(3000 * scale))
        sections += ["## Scrape latency", report.scrape_latency(results["scrape"])]
    text = "\n\n".join(sections) + "\n"
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    (arguments.output / "results.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
