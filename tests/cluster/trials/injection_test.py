"""The sidecar that the API server adds: which pods get it, and that it measures there."""

from machine import images

from .trial import ASKS, Trial


class InjectionTrial(Trial):
    def inject(self, **values):
        self.namespace("inject")
        self.install("inject", "inject", {"mode": "none", "injection": {"enabled": True}, **values})
        # The API server reads policies some moments after they were made.
        self.namespace("probe")

        def works():
            self.kubectl("-n", "probe", "delete", "pod", "probe", "--ignore-not-found", "--now")
            self.pod("probe", "probe", annotations=ASKS)
            return self.has_sidecar("probe", "probe")

        self.until(works, "policy at work", 60)

    def sidecar(self, namespace, pod):
        spec = self.cluster.get("pod", "-n", namespace, pod)["spec"]
        found = [c for c in spec.get("initContainers", []) if c["name"] == "loopscope"]
        return found[0] if found else None

    def has_sidecar(self, namespace, pod):
        return self.sidecar(namespace, pod) is not None

    def test_every_node_is_named(self):
        self.inject()
        shop = self.namespace("shop")
        versions = (*images.VERSIONS, "debian")
        for version in versions:
            self.pod(shop, f"node{version}", f"localhost/node:{version}", annotations=ASKS)
        self.ready(shop, *(f"node{version}" for version in versions))
        for version in versions:
            with self.subTest(version):
                program = self.address(shop, f"node{version}")
                self.see_a_block(program, program)

    def test_amounts_as_numbers(self):
        amounts = {"requests": {"cpu": 0.02, "memory": "32Mi"}, "limits": {"cpu": 1, "memory": 134217728}}
        self.inject(resources=amounts)
        found = self.sidecar("probe", "probe")["resources"]
        self.assertEqual(found["limits"], {"cpu": "1", "memory": "134217728"})
        self.assertEqual(found["requests"], {"cpu": "20m", "memory": "32Mi"})

    def test_a_restricted_sidecar_has_the_programs_user(self):
        self.inject(tier="restricted")
        shop = self.namespace("closed", **{"pod-security.kubernetes.io/enforce": "restricted"})
        context = {
            "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        self.pod(
            shop, "app", annotations=ASKS, securityContext={"runAsUser": 1000, "runAsGroup": 1000},
            container={"securityContext": context},
        )
        self.ready(shop, "app")
        program = self.address(shop, "app")
        self.see_a_block(program, program)

    def test_a_root_pod_starts_with_a_restricted_sidecar(self):
        self.inject(tier="restricted")
        shop = self.namespace("root")
        self.pod(shop, "app", annotations=ASKS, securityContext={"runAsUser": 0})
        self.ready(shop, "app")
        self.assertEqual(self.sidecar(shop, "app")["securityContext"]["runAsUser"], 65532)

    def test_pods_that_a_sidecar_would_break_are_left_alone(self):
        self.inject()
        shop = self.namespace("alone")
        self.pod(shop, "loner", annotations=ASKS, shareProcessNamespace=False)
        self.pod(shop, "windows", annotations=ASKS, os={"name": "windows"})
        self.pod(shop, "windows-node", annotations=ASKS, nodeSelector={"kubernetes.io/os": "windows"})
        self.pod(shop, "on-the-host", annotations=ASKS, hostNetwork=True)
        self.pod(shop, "with-the-node", annotations=ASKS, hostPID=True)
        self.pod(shop, "named-alike", annotations=ASKS, containers=[
            {"name": "loopscope", "image": "localhost/node:22"},
        ])
        for name in ("loner", "windows", "windows-node", "on-the-host", "with-the-node", "named-alike"):
            with self.subTest(name):
                self.assertFalse(self.has_sidecar(shop, name))
        self.ready(shop, "loner", "on-the-host", "with-the-node", "named-alike")
