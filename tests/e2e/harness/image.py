"""The container image of the programs under test."""

import os
import subprocess
import tempfile
from pathlib import Path

from harness import env

_DATE = "1700000000"


def directory_for_images():
    """Temporary, and not below /tmp, which may be mounted so that file capabilities do not count."""
    return tempfile.TemporaryDirectory(prefix="image-", dir=env.loopscope().parent.parent)


def build(what, directory):
    """Runs tools/image.sh; `what` is root or oci. The root file system's path."""
    subprocess.run(
        [env.REPO_DIR / "tools" / "image.sh", what, directory],
        env={
            **os.environ,
            "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
            "SOURCE_DATE_EPOCH": _DATE,
            "LOOPSCOPE_BIN_DIR": str(env.loopscope().parent),
        },
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return Path(directory) / "root"
