#!/usr/bin/env python3
"""One Loopscope watches the containers of a whole node and says which series is whose.

A container is a real Node in PID, mount and network namespaces and a control group of its
own, named as container runtimes name them; kubelet's links are files of the test's own.
"""

import hashlib
import json
import os
import sys
import unittest
import uuid
from dataclasses import dataclass, field

from harness import env, procfs
from harness.case import EndToEndCase
from harness.cgroups import GroupTree, freezer_versions
from harness.child import Child
from harness.namespaces import connections_inside

NODE = "22"
PORT = 8080  # of every container, in its own network namespace
BLOCK_SECONDS = 10
LABELS = {"container_id", "pod_uid", "namespace", "pod", "container"}
KINDS_OF_SERIES = {
    "eventloop_info",
    "eventloop_lag_seconds_bucket",
    "eventloop_stalls_total",
    "eventloop_stall_culprit_seconds_total",
    "eventloop_backlog_connections",
    "eventloop_listen_overflows_total",
}
ENTER_GROUP = 'echo $$ > "$1/cgroup.procs"; shift; exec "$@"'


def identifier(name):
    """A container's ID: 64 hexadecimal digits."""
    return hashlib.sha256(name.encode()).hexdigest()


@dataclass
class Pod:
    namespace: str
    name: str
    uid: str = field(init=False)

    def __post_init__(self):
        self.uid = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.name}.{self.namespace}"))

    def by_systemd(self, container_id):
        """The group of one of its containers where systemd makes the groups."""
        parent = "kubepods.slice/kubepods-burstable.slice"
        slice_name = f"kubepods-burstable-pod{self.uid.replace('-', '_')}.slice"
        return f"{parent}/{slice_name}/cri-containerd-{container_id}.scope"

    def by_cgroupfs(self, container_id):
        return f"kubepods/burstable/pod{self.uid}/{container_id}"

    def link(self, container, container_id):
        return f"{self.name}_{self.namespace}_{container}-{container_id}.log"

    def labels(self, container, container_id):
        return {
            "namespace": self.namespace,
            "pod": self.name,
            "container": container,
            "pod_uid": self.uid,
            "container_id": container_id[:12],
        }


@dataclass
class Target:
    child: Child
    pid: int
    labels: dict


class NodeModeTest(EndToEndCase):
    def setUp(self):
        # Ended after the processes in them, which the base class ends.
        self.trees = []
        for version in freezer_versions():
            self.trees.append(GroupTree(version))
            self.addCleanup(self.trees[-1].remove)
        super().setUp()
        self.links = self.temporary_directory()
        self.marker = f"node-mode-{os.getpid()}"

    def group(self, path):
        """A new group, in the hierarchies of this machine in turn."""
        self.trees.append(self.trees.pop(0))
        return self.trees[0].make(path)

    def start_container(self, path, labels, marker=None):
        child = self.spawn(
            "sh", "-c", ENTER_GROUP, "sh", self.group(path),
            env.tool("unshare"), "--pid", "--mount", "--net", "--fork", "--kill-child",
            sys.executable, env.WORKLOADS / "own_namespaces.py",
            env.node(NODE), env.WORKLOADS / "backlog_server.js", PORT, marker or self.marker,
            name=path,
        )  # fmt: skip
        child.wait_line("^ready")
        (pid,) = procfs.children(child.pid)
        return Target(child, pid, labels)

    def start_pod(self, pod, path, container, container_id, **options):
        """A container that kubelet has named."""
        (self.links / pod.link(container, container_id)).symlink_to("/nowhere")
        return self.start_container(path, pod.labels(container, container_id), **options)

    def start_outside(self):
        """The same server in no container."""
        child = self.spawn(
            "sh", "-c", ENTER_GROUP, "sh", self.group("system.slice/node.service"),
            env.node(NODE), env.WORKLOADS / "backlog_server.js", 0, self.marker,
        )  # fmt: skip
        child.wait_line("^ready")
        return Target(child, child.pid, {})

    def watch(self, names=None, **options):
        """Loopscope on all of them, and another name for those with a marker of their own."""
        config = {
            "container_labels": {"enabled": True, "names": str(names or self.links)},
            "targets": [
                {"process": f"{self.marker}-own", "labels": {"pod": "mine", "team": "checkout"}},
                {"process": self.marker},
            ],
        }
        path = self.temporary_directory() / "loopscope.yaml"
        path.write_text(json.dumps(config), encoding="utf-8")
        return self.loopscope("--config", path, **options)

    @staticmethod
    def series(metrics, pid):
        return metrics.keys_of(pid)

    def labelled(self, metrics, target):
        """Whether every series of a target, one of each kind at least, has exactly its labels."""
        series = self.series(metrics, target.pid)
        names = {name for name, _ in series}
        self.assertLessEqual(KINDS_OF_SERIES, names)
        for name, have in series:
            shown = {label: have[label] for label in LABELS & have.keys()}
            self.assertEqual(shown, target.labels, f"{name} of pid {target.pid}")
        return True

    def wait_labelled(self, loopscope, *targets):
        """Blocks each once, so that there are series of every kind."""
        for target in targets:
            loopscope.wait_for_loop(target.pid, source="uv_stack")
            start = len(target.child.lines())
            target.child.send("block 0.3")
            target.child.wait_line('"blocking":false', start=start)
        return loopscope.wait_metrics(
            lambda metrics: all(self.labelled(metrics, target) for target in targets),
            20,
            "labels of all series",
        )

    def test_each_by_its_container(self):
        shop, test = Pod("shop", "web-0"), Pod("test", "web-0")
        ids = [identifier(name) for name in ("shop", "test", "docker")]
        targets = [
            self.start_pod(shop, shop.by_systemd(ids[0]), "app", ids[0]),
            self.start_pod(test, test.by_cgroupfs(ids[1]) + "/init.scope", "app", ids[1]),
            self.start_container(f"docker/{ids[2]}", {"container_id": ids[2][:12]}),
            self.start_outside(),
        ]
        for target in targets[:3]:
            self.assertEqual(procfs.inner_pid(target.pid), 1, "the same pid in each namespace")
        loopscope = self.watch()
        self.wait_labelled(loopscope, *targets)
        self.check_api(loopscope, targets)
        self.check_backlog(loopscope, *targets[:3])

    def check_api(self, loopscope, targets):
        answer = loopscope.json("/api/v1/loops")
        entries = {
            "loops": answer["loops"],
            "listeners": answer["listeners"],
            "stalls": loopscope.json("/api/v1/stalls"),
        }
        first = targets[0]
        where = r"pod {namespace}/{pod} \({container}\)".format(**first.labels)
        loopscope.wait_line(rf"stall: .* pid {first.pid} {where} loop main", stream="stderr")
        for target in targets:
            for kind, listed in entries.items():
                found = [entry["labels"] for entry in listed if entry["pid"] == target.pid]
                self.assertTrue(found, f"{kind} of pid {target.pid}")
                for labels in found:
                    self.assertEqual(labels, target.labels, f"{kind} of pid {target.pid}")

    def check_backlog(self, loopscope, first, second, idle):
        """Two containers have queues at the same address, each in its own namespace."""
        expected = {idle.labels["container_id"]: 0}
        for target, count in ((first, 20), (second, 7)):
            expected[target.labels["container_id"]] = count
            target.child.ask(f"block {BLOCK_SECONDS}", '"blocking":true')
            loopscope.wait_metrics(
                lambda m, pid=target.pid: m.value("eventloop_blocked_seconds", pid=pid) > 0.1,
                10,
                "a blocked loop",
            )
            for connection in connections_inside(target.pid, PORT, count):
                self.addCleanup(connection.close)
        loopscope.wait_metrics(
            lambda m: m.by(
                "eventloop_backlog_connections", "container_id", listener=f"127.0.0.1:{PORT}"
            )
            == expected,
            5,
            f"backlogs {expected}",
        )

    def test_a_container_takes_its_series_along(self):
        pod = Pod("shop", "web-0")
        ids = [identifier(name) for name in ("stays", "ends", "comes")]
        stays = self.start_pod(pod, pod.by_systemd(ids[0]), "sidecar", ids[0])
        ends = self.start_pod(pod, pod.by_systemd(ids[1]), "app", ids[1])
        loopscope = self.watch()
        self.wait_labelled(loopscope, stays, ends)
        ends.child.kill()
        left = loopscope.wait_metrics(
            lambda metrics: not self.series(metrics, ends.pid), 10, "series of the ended container"
        )
        self.assertNotIn(ids[1][:12], left.by("eventloop_info", "container_id"))
        gone = rf"target gone: .* pid {ends.pid} pod shop/web-0 \(app\)"
        loopscope.wait_line(gone, stream="stderr")
        self.assertTrue(self.labelled(left, stays))

        # The container is started anew, and kubelet names it a little later.
        labels = {"container_id": ids[2][:12], "pod_uid": pod.uid}
        comes = self.start_container(pod.by_systemd(ids[2]), labels)
        self.wait_labelled(loopscope, comes)
        (self.links / pod.link("app", ids[2])).symlink_to("/nowhere")
        comes.labels = pod.labels("app", ids[2])
        loopscope.wait_metrics(
            lambda metrics: self.labelled(metrics, comes) and self.labelled(metrics, stays),
            10,
            "names of the new container",
        )

    def test_from_a_container_of_its_own(self):
        """As a DaemonSet's pod: in a cgroup namespace, seeing others relative to itself."""
        own, other = Pod("monitoring", "loopscope-x7z"), Pod("shop", "web-0")
        ids = [identifier(name) for name in ("loopscope", "sibling", "app", "worker")]
        groups = [tree.make(own.by_systemd(ids[0])) for tree in self.trees]
        app = self.start_pod(other, other.by_systemd(ids[2]), "app", ids[2])
        worker = self.start_pod(other, other.by_cgroupfs(ids[3]), "worker", ids[3])
        sibling = self.start_pod(own, own.by_systemd(ids[1]), "proxy", ids[1])
        del sibling.labels["pod_uid"]  # what they have in common is not shown
        script = self.temporary_directory() / "loopscope"
        enter = "".join(f"echo $$ > {group}/cgroup.procs\n" for group in groups)
        script.write_text(
            f'#!/bin/sh\n{enter}exec {env.tool("unshare")} --cgroup {env.loopscope()} "$@"\n'
        )
        script.chmod(0o755)
        self.wait_labelled(self.watch(binary=script), sibling, app, worker)

    def test_labels_of_the_configuration_win(self):
        pod, container_id = Pod("shop", "web-0"), identifier("own")
        target = self.start_pod(
            pod, pod.by_systemd(container_id), "app", container_id, marker=f"{self.marker}-own"
        )
        target.labels["pod"] = "mine"
        metrics = self.wait_labelled(self.watch(), target)
        self.assertEqual(metrics.by("eventloop_info", "team"), {"checkout": 1})

    def test_without_names_and_without_being_asked(self):
        pod, container_id = Pod("shop", "web-0"), identifier("bare")
        labels = {"container_id": container_id[:12], "pod_uid": pod.uid}
        target = self.start_container(pod.by_systemd(container_id), labels)
        loopscope = self.watch(names="/nowhere/containers")
        self.wait_labelled(loopscope, target)
        loopscope.wait_line("container_labels: cannot list /nowhere/containers: No such", "stderr")
        loopscope.stop()

        target.labels = {}
        self.wait_labelled(self.loopscope("--name", self.marker), target)


if __name__ == "__main__":
    unittest.main(verbosity=2)
