"""A libuv program that starts in a millisecond, for tests that need many targets."""

import os
import subprocess

from harness import env


def build_tiny_loop(directory):
    """Compiles it into `directory`, under a name that no other process has."""
    binary = directory / f"ls-tiny-{os.getpid()}"
    flags = subprocess.run(
        [env.tool("pkg-config"), "--cflags", "--libs", "libuv"],
        capture_output=True, text=True, check=True,
    ).stdout.split()
    source = env.WORKLOADS / "tiny_loop.c"
    subprocess.run([env.tool("cc"), "-O1", source, "-o", binary, *flags], check=True, timeout=60)
    return binary
