"""Where the programs under test and the Node test binaries are.

A missing program fails the test that wanted it: a ground-truth test that skips
proves nothing.
"""

import os
import shutil
from pathlib import Path

E2E_DIR = Path(__file__).resolve().parent.parent
REPO_DIR = E2E_DIR.parent.parent
WORKLOADS = E2E_DIR / "workloads"

NODE_MAJORS = ("18", "20", "22", "24", "26")
NODE_VARIANTS = NODE_MAJORS + ("22-stripped", "debian")

# nobody: an account without privileges that every Debian has.
UNPRIVILEGED_UID = 65534


class MissingFixture(AssertionError):
    """A program that a test needs is not there."""


def _existing(path, variable, hint):
    if not path.is_file():
        raise MissingFixture(f"{path} does not exist ({variable}); {hint}")
    return path


def _fixtures():
    return Path(os.environ.get("LOOPSCOPE_FIXTURES", REPO_DIR / "build" / "fixtures"))


def loopscope():
    default = REPO_DIR / "build" / "bin" / "loopscope"
    path = Path(os.environ.get("LOOPSCOPE_BIN", default))
    return _existing(path, "LOOPSCOPE_BIN", "run `make build`")


def loopscope_server():
    default = REPO_DIR / "build" / "bin" / "loopscope-server"
    path = Path(os.environ.get("LOOPSCOPE_SERVER_BIN", default))
    return _existing(path, "LOOPSCOPE_SERVER_BIN", "run `make build`")


def node(variant="22"):
    """The Node test binary of a major version, or one of the variants above."""
    root = Path(os.environ.get("LOOPSCOPE_NODE_DIR", _fixtures() / "node"))
    path = root / str(variant) / "bin" / "node"
    return _existing(path, "LOOPSCOPE_NODE_DIR", "run `make test`, which installs it")


def seccomp_profile():
    """The system call filter that containers run under by default, as JSON."""
    installed = Path("/usr/share/containers/seccomp.json")
    path = installed if installed.is_file() else _fixtures() / "seccomp.json"
    return _existing(path, "LOOPSCOPE_FIXTURES", "run `make test`, which fetches it")


def tool(name):
    """A helper program: from PATH, else from the fixtures."""
    found = shutil.which(name) or shutil.which(name, path=_fixtures() / "bin")
    if found is None:
        raise MissingFixture(f"{name} is not on PATH; run `make test`, which installs it")
    return found


def short():
    """True when a quick look is wanted instead of the full number of repetitions."""
    return os.environ.get("LOOPSCOPE_E2E_SHORT", "") not in ("", "0")
