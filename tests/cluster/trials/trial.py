"""What the trials share: releases of the chart, pods, and what Loopscope exports of them."""

import json
import os
import pathlib
import sys
import unittest

from machine import images

REPO_DIR = images.REPO_DIR
sys.path.append(str(REPO_DIR / "tests" / "e2e"))
from harness.polling import wait_until  # pylint: disable=wrong-import-position
from harness.prometheus import Metrics  # pylint: disable=wrong-import-position

CHART = pathlib.Path(os.environ.get("LOOPSCOPE_CHART") or REPO_DIR / "helm" / "loopscope")
HELM = images.FIXTURES / "helm" / os.environ.get("LOOPSCOPE_HELM", "4") / "helm"
FUNCTION = "blockOnPurpose"
PORT = 15667
ASKS = {"loopscope/inject": "true"}


class Trial(unittest.TestCase):
    cluster = None  # __main__ sets it

    def kubectl(self, *arguments, **options):
        return self.cluster.kubectl(*arguments, **options)

    def namespace(self, name, **labels):
        self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        self.addCleanup(
            self.kubectl, "delete", "namespace", name, "--ignore-not-found", "--wait=true", timeout=180)
        return name

    def helm(self, *arguments, values=None, check=True):
        if values is not None:
            arguments = (*arguments, "--values", "-")
        return self.cluster.run(HELM, *arguments, text=json.dumps(values), check=check, timeout=300)

    def install(self, release, namespace, values):
        self.helm("install", release, CHART, "-n", namespace, values=values)
        self.addCleanup(self.helm, "uninstall", release, "-n", namespace, "--ignore-not-found", check=False)

    def pod(self, namespace, name, image="localhost/node:22", *, annotations=None, container=None, **spec):
        """Creates one; the program's container is called `app`."""
        app = {"name": "app", "image": image, **(container or {})}
        self.cluster.apply({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "annotations": annotations or {}, "labels": {"app": name}},
            "spec": {"containers": [app], "terminationGracePeriodSeconds": 2, **spec},
        })

    def ready(self, namespace, *names, timeout=90):
        pods = [f"pod/{name}" for name in names]
        self.kubectl("-n", namespace, "wait", "--for=condition=Ready", *pods, f"--timeout={timeout}s")

    def address(self, namespace, *selector):
        """That of the one pod; pods on the node's network have the node's."""
        items = self.cluster.get("pod", "-n", namespace, *selector)
        items = items.get("items", [items])
        self.assertEqual(len(items), 1, [item["metadata"]["name"] for item in items])
        return items[0]["status"]["podIP"]

    def ask(self, address, path, port=3000):
        return self.cluster.run("curl", "-sS", "-m", "20", f"http://{address}:{port}{path}")

    def metrics(self, address, port=PORT):
        return Metrics(self.ask(address, "/metrics", port))

    def until(self, condition, what, timeout=30):
        return wait_until(condition, timeout, what, interval=0.5)

    def node_mode(self, namespace="watch", **values):
        """The address of a release in node mode, in a namespace of its own."""
        self.namespace(namespace, **{"pod-security.kubernetes.io/enforce": "privileged"})
        self.install(namespace, namespace, {"mode": "node", **values})
        self.kubectl("-n", namespace, "rollout", "status", "daemonset", "--timeout=90s")
        return self.address(namespace, "-l", "app.kubernetes.io/component=node")

    def see_a_block(self, program, exporter, *, milliseconds=700, port=3000, **labels):
        """Blocks the program once, and finds that block counted, named and measured."""
        # A block in a program's first second, before it is found, is not seen.
        self.until(
            lambda: self.metrics(exporter).samples("eventloop_info", **labels), f"loop of {labels}")
        before = self.metrics(exporter)
        self.ask(program, f"/block?ms={milliseconds}", port)

        def grown():
            now = self.metrics(exporter)
            stalls = now.sum("eventloop_stalls_total", **labels) - before.sum("eventloop_stalls_total", **labels)
            name = "eventloop_stall_culprit_seconds_total"
            seconds = now.sum(name, function=FUNCTION, **labels)
            seconds -= before.sum(name, function=FUNCTION, **labels)
            return (stalls, seconds) if stalls >= 1 and seconds > 0 else None

        stalls, seconds = self.until(grown, f"stall of {labels} in the metrics")
        self.assertEqual(stalls, 1, labels)
        self.assertAlmostEqual(seconds, milliseconds / 1000, delta=0.1 * milliseconds / 1000)
