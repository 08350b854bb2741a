#!/usr/bin/env python3
"""Writes what is made from the chart: its expected manifests in golden/ and the sidecars of
the Kustomize components. `make chart` calls it; look at the difference before you commit."""

import yaml

from cases import CASES
from chart import CHART, GOLDEN, REPO_DIR, find, loopscope_container, pod_spec, render, template

COMPONENTS = REPO_DIR / "deploy" / "kustomize"
TIERS = ("ptrace", "restricted")


def sidecar(values):
    """The sidecar of the demo, but watching what it watches elsewhere."""
    spec = pod_spec(find(render({"mode": "demo", **values}), "Deployment"))
    container = loopscope_container(spec)
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    processes = f"--name={defaults['sidecar']['processes']}"
    container["args"] = [
        processes if word.startswith("--name=") else word for word in container["args"]
    ]
    return container


def sidecar_patch(tier):
    """The patch of a Kustomize component: what the chart's templates give."""
    pod = {"shareProcessNamespace": True, "initContainers": [sidecar({"tier": tier})]}
    patch = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "any"},
        "spec": {"template": {"spec": pod}},
    }
    text = yaml.safe_dump(patch, sort_keys=False)
    return f"# Written by `make chart` from the chart's templates.\n{text}"


def main():
    GOLDEN.mkdir(exist_ok=True)
    for path in GOLDEN.glob("*.yaml"):
        path.unlink()
    for name, values in CASES.items():
        (GOLDEN / f"{name}.yaml").write_text(template("4", values))
    for tier in TIERS:
        (COMPONENTS / tier / "sidecar.yaml").write_text(sidecar_patch(tier))


if __name__ == "__main__":
    main()
