"""Builds the workloads that are C or C++."""

import subprocess
from pathlib import Path

from harness import env


def _package_flags(packages):
    flags = []
    for package in packages:
        answer = subprocess.run(
            ["pkg-config", "--cflags", "--libs", package],
            capture_output=True, text=True, check=True,
        )
        flags += answer.stdout.split()
    return flags


def compile_program(directory, source, *flags, packages=(), name=None, last=()):
    """workloads/SOURCE, built into `directory`; `last` follows the sources."""
    path = env.WORKLOADS / source
    binary = Path(directory) / (name or path.stem)
    compiler = ["g++", "-std=c++17"] if path.suffix == ".cc" else ["cc"]
    subprocess.run(
        [*compiler, "-Wall", *flags, path, "-o", binary, *_package_flags(packages), *last],
        check=True,
    )
    return binary
