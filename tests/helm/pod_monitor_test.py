#!/usr/bin/env python3
"""Which containers a PodMonitor has scraped, by its selector and its relabelling."""

import re
import unittest

import chart
from chart import find, render

POD_LABEL = "__meta_kubernetes_pod_label_app_kubernetes_io_"


def setUpModule():  # pylint: disable=invalid-name
    chart.require_platform()


def relabel(labels, rules):
    """The labels after Prometheus' relabel_configs, as far as the chart uses them; None: dropped."""
    labels = dict(labels)
    for rule in rules:
        action = rule.get("action", "replace")
        regex = re.compile(rule.get("regex", "(.*)"))
        if action == "labeldrop":
            labels = {name: value for name, value in labels.items() if not regex.fullmatch(name)}
            continue
        source = ";".join(labels.get(name, "") for name in rule["sourceLabels"])
        match = regex.fullmatch(source)
        if action == "keep" and not match or action == "drop" and match:
            return None
        if action == "replace" and match:
            labels[rule["targetLabel"]] = match.expand(rule.get("replacement", r"\1"))
        if action not in ("keep", "drop", "replace"):
            raise ValueError(action)
    return labels


def pod(namespace, container="loopscope", **app):
    """app: name, instance, component."""
    return {
        "namespace": namespace,
        "pod": "it",
        "__meta_kubernetes_namespace": namespace,
        "__meta_kubernetes_pod_container_name": container,
        "__meta_kubernetes_pod_node_name": "worker-7",
        **{POD_LABEL + key: value for key, value in app.items()},
    }


class PodMonitorTest(unittest.TestCase):
    def monitor(self, **values):
        spec = find(render({"podMonitor": {"enabled": True}, **values}), "PodMonitor")["spec"]
        [endpoint] = spec["podMetricsEndpoints"]
        return spec, endpoint

    def targets(self, pods, **values):
        """The pods that are scraped, each with its labels."""
        spec, endpoint = self.monitor(**values)
        wanted = spec["selector"].get("matchLabels", {})
        found = []
        for labels in pods:
            app = {
                "app.kubernetes.io/" + name.removeprefix(POD_LABEL): value
                for name, value in labels.items() if name.startswith(POD_LABEL)
            }
            everywhere = spec.get("namespaceSelector", {}).get("any", False)
            if not everywhere and labels["__meta_kubernetes_namespace"] != "monitoring":
                continue
            if wanted.items() <= app.items():
                after = relabel(labels, endpoint["relabelings"])
                if after is not None:
                    found.append(after)
        return found

    OWN_NODE = pod("monitoring", name="loopscope", instance="release", component="node")
    OTHER_NODE = pod("monitoring", name="loopscope", instance="other", component="node")
    SAME_NAME_ELSEWHERE = pod("eyes", name="loopscope", instance="release", component="node")
    DEMO = pod("eyes", name="loopscope", instance="try", component="demo")
    INJECTED = pod("shop", name="checkout", instance="shop", component="web")
    UNLABELLED = pod("shop")
    APP = pod("monitoring", container="app", name="loopscope", instance="release", component="node")
    ALL = (OWN_NODE, OTHER_NODE, SAME_NAME_ELSEWHERE, DEMO, INJECTED, UNLABELLED, APP)

    def containers(self, **values):
        """Which of ALL are scraped; relabelling leaves the labels of the discovery alone."""
        meta = [{k: v for k, v in t.items() if k.startswith("__meta")} for t in self.targets(self.ALL, **values)]
        return [p for p in self.ALL if {k: v for k, v in p.items() if k.startswith("__meta")} in meta]

    def test_node_mode_has_its_own_pods_alone(self):
        self.assertEqual(self.containers(), [self.OWN_NODE])

    def test_injection_leaves_node_mode_of_other_releases_alone(self):
        want = [self.INJECTED, self.UNLABELLED]
        self.assertEqual(self.containers(mode="none", injection={"enabled": True}), want)
        both = self.containers(mode="node", injection={"enabled": True})
        self.assertEqual(both, [self.OWN_NODE, *want])

    def test_each_is_scraped_by_one(self):
        node = self.containers()
        injected = self.containers(mode="none", injection={"enabled": True})
        self.assertEqual([p for p in node if p in injected], [])

    def test_sidecars_of_the_namespace_in_mode_none(self):
        sidecar = pod("monitoring", name="checkout", instance="shop")
        self.assertEqual(len(self.targets([sidecar, self.OTHER_NODE], mode="none")), 1)

    def test_targets_know_their_node(self):
        for values in ({}, {"mode": "none", "injection": {"enabled": True}}):
            for target in self.targets(self.ALL, **values):
                self.assertEqual(target["node"], "worker-7")

    def test_the_port_is_that_of_the_container(self):
        for values in ({}, {"mode": "demo"}):
            manifests = render({"podMonitor": {"enabled": True}, **values})
            [endpoint] = find(manifests, "PodMonitor")["spec"]["podMetricsEndpoints"]
            workload = find(manifests, "DaemonSet" if not values else "Deployment")
            ports = chart.loopscope_container(chart.pod_spec(workload))["ports"]
            self.assertEqual([port["name"] for port in ports], [endpoint["port"]])
            self.assertEqual(endpoint["port"], "loopscope")


if __name__ == "__main__":
    unittest.main()
