"""Builds and fetches what the benchmarks run besides Loopscope and Node."""

import subprocess
from pathlib import Path

from harness import env

BENCH_DIR = Path(__file__).resolve().parent.parent
CACHE_DIR = env.REPO_DIR / "build" / "bench"
PROM_CLIENT = "prom-client@15"


def compile_c(name, *packages):
    """bench/apps/NAME.c, built with cc into the cache."""
    source = BENCH_DIR / "apps" / f"{name}.c"
    binary = CACHE_DIR / name
    CACHE_DIR.mkdir(parents=True, exist_ok=True)
    if binary.exists() and binary.stat().st_mtime > source.stat().st_mtime:
        return binary
    flags = []
    for package in packages:
        flags += subprocess.run(
            ["pkg-config", "--cflags", "--libs", package],
            capture_output=True, text=True, check=True,
        ).stdout.split()
    subprocess.run(["cc", "-O2", "-Wall", source, "-o", binary, *flags], check=True)
    return binary


def prom_client():
    """The folder of the prom-client module, installed from npm on first use."""
    prefix = CACHE_DIR / "npm"
    module = prefix / "node_modules" / "prom-client"
    if not module.is_dir():
        prefix.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "install", "--prefix", prefix, "--no-audit", "--no-fund", PROM_CLIENT],
            check=True, stdout=subprocess.DEVNULL,
        )
    return module
