"""One Loopscope a node: every kind of pod, and calm beside the cluster's own programs."""

import json
import time

from machine import images

from .trial import CHART, FUNCTION, Trial

CALM_SECONDS = 60


class NodeModeTrial(Trial):
    def test_every_node_is_named_and_labelled(self):
        shop = self.namespace("shop")
        exporter = self.node_mode()
        versions = (*images.VERSIONS, "debian")
        for version in versions:
            self.pod(shop, f"node{version}", f"localhost/node:{version}")
        self.ready(shop, *(f"node{version}" for version in versions))
        for version in versions:
            with self.subTest(version):
                name = f"node{version}"
                program = self.address(shop, name)
                self.see_a_block(program, exporter, namespace=shop, pod=name, container="app")

    def test_every_kind_of_pod(self):
        shop = self.namespace("kinds")
        exporter = self.node_mode()
        self.pod(shop, "two", initContainers=[{
            "name": "beside", "image": "localhost/node:20", "restartPolicy": "Always",
            "env": [{"name": "PORT", "value": "3001"}],
        }])
        self.pod(shop, "closed", securityContext={"runAsUser": 1000, "runAsGroup": 1000}, container={
            "securityContext": {
                "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True, "runAsNonRoot": True,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        })
        self.pod(shop, "on-the-host", hostNetwork=True, container={"env": [{"name": "PORT", "value": "3999"}]})
        self.ready(shop, "two", "closed", "on-the-host")
        for name, container, port in (
            ("two", "app", 3000), ("two", "beside", 3001), ("closed", "app", 3000), ("on-the-host", "app", 3999),
        ):
            with self.subTest(pod=name, container=container):
                program = self.address(shop, name)
                self.see_a_block(program, exporter, port=port, namespace=shop, pod=name, container=container)

    def test_jobs_and_programs_that_end_are_counted(self):
        shop = self.namespace("jobs")
        exporter = self.node_mode()
        job = {
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "nightly", "namespace": shop},
            "spec": {"backoffLimit": 0, "template": {"spec": {
                "restartPolicy": "Never", "containers": [{
                    "name": "app", "image": "localhost/node:22",
                    "env": [{"name": "BLOCK_MS", "value": "600"}],
                }],
            }}},
        }
        self.cluster.apply(job)
        name = "eventloop_stall_culprit_seconds_total"

        def seen():
            return self.metrics(exporter).sum(name, function=FUNCTION, namespace=shop) >= 0.54

        self.until(seen, "block of the job")

    def test_a_static_pod(self):
        exporter = self.node_mode()
        manifest = {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "static", "namespace": "default"},
            "spec": {"containers": [{"name": "app", "image": "localhost/node:22"}]},
        }
        path = self.cluster.directory / "static-pods" / "static.json"
        path.write_text(json.dumps(manifest))
        self.addCleanup(path.unlink)
        self.until(lambda: self.kubectl("get", "pod", "static-loopnode", check=False), "mirror of the static pod")
        self.ready("default", "static-loopnode")
        program = self.address("default", "static-loopnode")
        self.see_a_block(program, exporter, namespace="default", pod="static-loopnode", container="app")

    def test_the_clusters_own_programs_are_no_loops(self):
        exporter = self.node_mode()
        time.sleep(CALM_SECONDS)
        metrics = self.metrics(exporter)
        programs = {labels.get("process") for labels, _ in metrics.samples("eventloop_info")}
        self.assertEqual(programs, set())
        for labels, value in metrics.samples("loopscope_source_success"):
            self.assertEqual(value, 1, labels)

    def test_nothing_is_left(self):
        before = self.everything()
        with self.subTest("node mode"):
            self.namespace("gone")
            self.install("gone", "gone", {"mode": "node", "serviceAccount": {"create": True}})
            self.helm("upgrade", "gone", CHART, "-n", "gone", "--reuse-values", "--set", "noStacks=true")
            self.helm("rollback", "gone", "1", "-n", "gone")
            self.helm("uninstall", "gone", "-n", "gone")
            self.kubectl("delete", "namespace", "gone", "--wait=true")
        self.assertEqual(self.everything(), before)

    def everything(self):
        """Names of all that a release could leave."""
        kinds = "clusterrole,clusterrolebinding,mutatingadmissionpolicy,mutatingadmissionpolicybinding,namespace"
        names = self.kubectl("get", kinds, "-o", "name").split()
        return sorted(name for name in names if "system:" not in name)
