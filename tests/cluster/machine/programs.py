"""The programs of the cluster, built once and kept outside the tree."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent.parent
RECIPES = HERE / "programs"
CACHE = pathlib.Path(
    os.environ.get("LOOPSCOPE_CLUSTER_CACHE")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    / "loopscope-cluster"
)
BIN = CACHE / "bin"
STAMP = CACHE / "built-from"
KUBERNETES = (
    "etcd", "kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet",
)
CONTAINERD_TAGS = "no_btrfs,no_devmapper,no_zfs"


def recipe():
    """Changes with everything that the programs are made of."""
    digest = hashlib.sha256()
    for path in sorted(RECIPES.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(RECIPES)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def are_built():
    return STAMP.is_file() and STAMP.read_text() == recipe()


def required_go():
    texts = [path.read_text() for path in RECIPES.glob("*/go.mod")]
    return max(tuple(map(int, re.search(r"^go ([\d.]+)", text, re.M)[1].split("."))) for text in texts)


def why_not_buildable():
    """A reason to tell, or an empty text."""
    want = ".".join(map(str, required_go()))
    if shutil.which("go") is None:
        return f"there is no Go; {want} or later builds the cluster's programs"
    said = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    have = re.search(r"go([\d.]+)", said)
    # A Go from 1.21 on fetches the one that a module asks for.
    if have is None or tuple(map(int, have[1].split(".")[:2])) < (1, 21):
        return f"this Go is {said.strip() or 'unknown'}; {want} or later builds the cluster's programs"
    return ""


def module_version(folder, module):
    done = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Version}}", module],
        cwd=RECIPES / folder, capture_output=True, text=True, check=True,
    )
    return done.stdout.strip()


def build():
    """Half an hour of one core the first time, and 8 GB of Go's caches."""
    if are_built():
        return
    BIN.mkdir(parents=True, exist_ok=True)
    STAMP.unlink(missing_ok=True)
    go_build = ["nice", "-n", "10", "go", "build", "-trimpath"]
    environment = {**os.environ, "CGO_ENABLED": "0"}

    version = module_version("kubernetes", "k8s.io/kubernetes")
    major, minor = version.removeprefix("v").split(".")[:2]
    at = "k8s.io/component-base/version"
    flags = f"-s -w -X {at}.gitVersion={version} -X {at}.gitMajor={major} -X {at}.gitMinor={minor}"
    subprocess.run(
        [*go_build, "-ldflags", flags, "-o", BIN / "kubernetes", "."],
        cwd=RECIPES / "kubernetes", env=environment, check=True,
    )
    for name in KUBERNETES:
        (BIN / name).unlink(missing_ok=True)
        (BIN / name).symlink_to("kubernetes")

    version = module_version("containerd", "github.com/containerd/containerd/v2")
    flags = f"-s -w -X github.com/containerd/containerd/v2/version.Version={version}"
    subprocess.run(
        [*go_build, "-tags", CONTAINERD_TAGS, "-ldflags", flags, "-o", f"{BIN}/", "tool"],
        cwd=RECIPES / "containerd", env=environment, check=True,
    )
    STAMP.write_text(recipe())
