"""Plays the trials on a real Kubernetes of one node, made of package registries alone.

    python3 tests/cluster [--build] [TRIAL...]     TRIAL: node_mode, injection, demo
"""

import argparse
import importlib
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from machine import images, programs  # pylint: disable=wrong-import-position
from machine.cluster import Cluster  # pylint: disable=wrong-import-position

TRIALS = sorted(
    path.name.removesuffix("_test.py") for path in (programs.HERE / "trials").glob("*_test.py")
)


def play(names):
    archive = images.REPO_DIR / "build" / "image" / "loopscope.oci.tar"
    if not archive.is_file():
        sys.exit(f"error: {archive} does not exist; `make image` makes it")
    suite = unittest.TestSuite()
    with tempfile.TemporaryDirectory(prefix="loopscope-cluster-") as directory:
        home = pathlib.Path(directory) / "node"
        home.mkdir()
        with Cluster(home) as cluster:
            cluster.import_image(archive)
            trial = importlib.import_module("trials.trial")
            trial.Trial.cluster = cluster
            for name in names:
                module = importlib.import_module(f"trials.{name}_test")
                suite.addTests(unittest.defaultTestLoader.loadTestsFromModule(module))
            result = unittest.TextTestRunner(verbosity=2).run(suite)
    return 0 if result.wasSuccessful() and result.testsRun > 0 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trials", nargs="*", metavar="TRIAL", help=", ".join(TRIALS))
    parser.add_argument("--build", action="store_true", help="only build what is missing")
    arguments = parser.parse_args()
    unknown = set(arguments.trials) - set(TRIALS)
    if unknown:
        parser.error(f"no trial is called {', '.join(sorted(unknown))}")
    if os.geteuid() != 0:
        sys.exit("error: a cluster needs root")
    reason = "" if programs.are_built() else programs.why_not_buildable()
    if reason:
        sys.exit(f"error: {reason}")
    programs.build()
    images.build()
    return 0 if arguments.build else play(arguments.trials or TRIALS)


if __name__ == "__main__":
    sys.exit(main())
