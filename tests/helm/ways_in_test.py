#!/usr/bin/env python3
"""The ways into somebody's pod: a chart that includes the templates, the Kustomize
components, and the admission policy. All of them have to give the same sidecar."""

import pathlib
import shutil
import tempfile
import unittest

import chart
import update
from cases import CASES
from chart import REPO_DIR, find, loopscope_container, pod_spec, render

EXAMPLES = REPO_DIR / "examples"
POLICY = "MutatingAdmissionPolicy"


def setUpModule():  # pylint: disable=invalid-name
    chart.require_platform()


def demo_sidecar(tier, **values):
    """The sidecar as the demo has it, but watching the processes of `sidecar.processes`."""
    return update.sidecar({"tier": tier, **values})


class IncludeTest(unittest.TestCase):
    """examples/helm-include, as a stranger uses it."""

    def render_example(self, major, *, packaged):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            # Without links: what a stranger unpacks from an archive has none.
            shutil.copytree(chart.CHART, root / "helm" / "loopscope")
            example = root / "examples" / "helm-include"
            shutil.copytree(
                EXAMPLES / "helm-include",
                example,
                ignore=shutil.ignore_patterns("charts", "Chart.lock"),
            )
            if packaged:
                # The chart as it is in the repository, links and all, as an archive.
                done = chart.helm(major, "package", chart.CHART, "-d", example / "charts")
            else:
                done = chart.helm(major, "dependency", "update", example)
            self.assertEqual(done.returncode, 0, done.stderr)
            done = chart.helm(major, "lint", "--strict", example)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            return chart.template(major, {}, example, "checkout")

    def test_it_renders_alike_on_both_helms(self):
        texts = {
            self.render_example(major, packaged=packaged)
            for major in chart.HELMS
            for packaged in (False, True)
        }
        self.assertEqual(len(texts), 1)
        manifests = chart.objects(texts.pop())
        self.assertEqual(chart.problems(manifests), [])

        spec = pod_spec(find(manifests, "Deployment"))
        self.assertIs(spec["shareProcessNamespace"], True)
        sidecar = loopscope_container(spec)
        self.assertIn(sidecar, spec["initContainers"])
        self.assertEqual(sidecar["restartPolicy"], "Always")
        self.assertIn("--config=/etc/loopscope/loopscope.yaml", sidecar["args"])

        mounts = {mount["name"] for mount in sidecar["volumeMounts"]}
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        self.assertEqual(mounts, set(volumes))
        config = find(manifests, "ConfigMap", volumes["loopscope-config"]["configMap"]["name"])
        self.assertIn("name: checkout", config["data"]["loopscope.yaml"])
        # Nothing else of the chart runs there.
        kinds = sorted(manifest["kind"] for manifest in manifests)
        self.assertEqual(kinds, ["ConfigMap", "Deployment", "PodMonitor"])


class KustomizeTest(unittest.TestCase):
    def kustomize(self, directory, major="4"):
        done = chart.call([chart.program(major, "kubectl"), "kustomize", directory])
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_the_example(self):
        text = self.kustomize(EXAMPLES / "kustomize")
        self.assertEqual(text, self.kustomize(EXAMPLES / "kustomize", "3"))
        manifests = chart.objects(text)
        self.assertEqual(chart.problems(manifests), [])

        spec = pod_spec(find(manifests, "Deployment", "checkout"))
        self.assertIs(spec["shareProcessNamespace"], True)
        names = [container["name"] for container in spec["initContainers"]]
        self.assertEqual(sorted(names), ["loopscope", "migrate"])
        self.assertEqual([container["name"] for container in spec["containers"]], ["checkout"])
        want = demo_sidecar(
            "ptrace", image={"repository": "registry.example.com/loopscope", "tag": "0.1.0"}
        )
        self.assertEqual(loopscope_container(spec), want)

        cache = pod_spec(find(manifests, "Deployment", "cache"))
        self.assertEqual(set(cache), {"containers"})

    def test_components_are_what_the_chart_gives(self):
        for tier in update.TIERS:
            have = (update.COMPONENTS / tier / "sidecar.yaml").read_text()
            self.assertEqual(have, update.sidecar_patch(tier), "run `make chart`")

    def test_other_workloads(self):
        for tier in update.TIERS:
            for kind in ("StatefulSet", "DaemonSet"):
                with self.subTest(tier=tier, kind=kind), tempfile.TemporaryDirectory() as work:
                    root = pathlib.Path(work)
                    shutil.copytree(update.COMPONENTS / tier, root / "component")
                    root.joinpath("kustomization.yaml").write_text(
                        "resources: [workload.yaml]\ncomponents: [component]\n"
                    )
                    root.joinpath("workload.yaml").write_text(
                        f"apiVersion: apps/v1\nkind: {kind}\n"
                        'metadata: {name: it, annotations: {loopscope/inject: "true"}}\n'
                        "spec: {template: {spec: {containers: [{name: it}]}}}\n"
                    )
                    spec = pod_spec(find(chart.objects(self.kustomize(root)), kind))
                    self.assertEqual(spec["initContainers"], [demo_sidecar(tier)])


class InjectionTest(unittest.TestCase):
    """The policy, carried out by a CEL interpreter as the API server would."""

    def admit(self, values, pods):
        policy = find(render(values), POLICY)
        return chart.node_script("admission.mjs", {"policy": policy, "pods": pods})

    def pod(self, *, annotations=None, **fields):
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "it"},
            "spec": {"containers": [{"name": "it", "image": "it"}], **fields},
        }
        if annotations is not None:
            pod["metadata"]["annotations"] = annotations
        return pod

    def test_pods_that_ask_get_the_sidecar(self):
        asks = {"loopscope/inject": "true"}
        values = CASES["injection"]
        first = {"name": "first", "image": "it"}
        before = [
            self.pod(annotations=asks),
            self.pod(annotations={**asks, "other": "x"}, initContainers=[first]),
        ]
        plain, crowded = self.admit(values, before)
        self.assertEqual(plain["spec"]["initContainers"], [demo_sidecar("ptrace")])
        self.assertEqual(crowded["spec"]["initContainers"], [first, demo_sidecar("ptrace")])
        for pod in (plain, crowded):
            self.assertIs(pod["spec"]["shareProcessNamespace"], True)
            self.assertEqual(pod["spec"]["containers"], before[0]["spec"]["containers"])
            self.assertNotIn("volumes", pod["spec"])
        self.assertEqual(chart.problems([plain, crowded]), [])
        # Again, as when another policy has changed the pod.
        self.assertEqual(self.admit(values, [plain, crowded]), [plain, crowded])

    def test_other_pods_stay_as_they_are(self):
        asks = {"loopscope/inject": "true"}
        pods = [
            self.pod(),
            self.pod(annotations={}),
            self.pod(annotations={"loopscope/inject": "false"}),
            self.pod(annotations={"example.com/watch": "true"}),
            self.pod(annotations=asks, hostPID=True),
            self.pod(annotations=asks, hostNetwork=True),
            self.pod(annotations=asks, shareProcessNamespace=False),
            self.pod(annotations=asks, containers=[{"name": "loopscope", "image": "mine"}]),
            self.pod(annotations={**asks, "kubernetes.io/config.mirror": "0123"}),
            self.pod(annotations=asks, os={"name": "windows"}),
            self.pod(annotations=asks, nodeSelector={"kubernetes.io/os": "windows"}),
        ]
        self.assertEqual(self.admit(CASES["injection"], pods), pods)
        asking = self.pod(
            annotations=asks, hostPID=False, hostNetwork=False, shareProcessNamespace=True,
            os={"name": "linux"}, nodeSelector={"kubernetes.io/os": "linux"},
        )
        self.assertNotEqual(self.admit(CASES["injection"], [asking]), [asking])

    def test_amounts_are_strings_and_numbers(self):
        amounts = {"requests": {"cpu": 0.5, "memory": "32Mi"}, "limits": {"cpu": 1, "memory": 33554432}}
        [pod] = self.admit(
            {**CASES["injection"], "resources": amounts},
            [self.pod(annotations={"loopscope/inject": "true"})],
        )
        self.assertEqual(
            pod["spec"]["initContainers"][0]["resources"],
            {"requests": {"cpu": "0.5", "memory": "32Mi"}, "limits": {"cpu": "1", "memory": "33554432"}},
        )

    def test_options(self):
        asks = {"example.com/watch": "true"}
        volume = {"name": "mine", "emptyDir": {}}
        before = [self.pod(annotations=asks), self.pod(annotations=asks, volumes=[volume])]
        plain, crowded = self.admit(CASES["injection-v1beta1"], before)
        sidecar = plain["spec"]["initContainers"][0]
        self.assertEqual(
            sidecar["securityContext"],
            {**demo_sidecar("restricted")["securityContext"], "runAsUser": 65532, "runAsGroup": 65532},
        )
        self.assertIn("--web-config=/etc/loopscope-web/web-config.yml", sidecar["args"])
        # The file of the configuration is in another namespace.
        self.assertFalse([word for word in sidecar["args"] if word.startswith("--config")])
        mounted = [mount["name"] for mount in sidecar["volumeMounts"]]
        self.assertEqual(mounted, ["loopscope-web-config"])
        self.assertEqual([v["name"] for v in plain["spec"]["volumes"]], mounted)
        self.assertEqual([v["name"] for v in crowded["spec"]["volumes"]], ["mine", *mounted])
        self.assertEqual(chart.problems([plain, crowded]), [])

    def test_a_restricted_sidecar_has_the_users_of_the_program(self):
        def users(values=None, *, pod=None, first=None):
            container = {"name": "it", "image": "it"}
            if first is not None:
                container["securityContext"] = first
            fields = {"containers": [container, {"name": "other", "image": "it"}]}
            if pod is not None:
                fields["securityContext"] = pod
            [after] = self.admit(
                {**CASES["injection"], "tier": "restricted", **(values or {})},
                [self.pod(annotations={"loopscope/inject": "true"}, **fields)],
            )
            context = after["spec"]["initContainers"][0]["securityContext"]
            return context["runAsUser"], context["runAsGroup"]

        self.assertEqual(users(), (65532, 65532))
        self.assertEqual(users(pod={"runAsUser": 1000}), (1000, 1000))
        self.assertEqual(users(pod={"runAsUser": 1000, "runAsGroup": 3000}), (1000, 3000))
        both = {"pod": {"runAsUser": 1000, "runAsGroup": 3000}, "first": {"runAsUser": 2000}}
        self.assertEqual(users(**both), (2000, 3000))
        self.assertEqual(users(first={"runAsUser": 2000, "runAsGroup": 4000}), (2000, 4000))
        # Root's own pod starts all the same.
        self.assertEqual(users(pod={"runAsUser": 0}), (65532, 65532))
        self.assertEqual(users(first={"privileged": False}), (65532, 65532))
        given = {"runAsUser": 7, "runAsGroup": 8}
        self.assertEqual(users(given, **both), (7, 8))
        self.assertEqual(users({"tier": "ptrace"}, **both), (65532, 65532))

    def test_pull_secrets_are_added_once(self):
        asks = {"example.com/watch": "true"}
        [mine, registry] = [{"name": "mine"}, {"name": "registry"}]
        pods = [
            self.pod(annotations=asks),
            self.pod(annotations=asks, imagePullSecrets=[mine]),
            self.pod(annotations=asks, imagePullSecrets=[registry, mine]),
        ]
        after = self.admit(CASES["injection-v1beta1"], pods)
        secrets = [pod["spec"]["imagePullSecrets"] for pod in after]
        self.assertEqual(secrets, [[registry], [mine, registry], [registry, mine]])

    def test_further_variables_and_volumes(self):
        everything = CASES["node-everything"]
        extra = {key: everything[key] for key in ("extraEnv", "extraVolumes", "extraVolumeMounts")}
        [pod] = self.admit(
            {**CASES["injection"], **extra}, [self.pod(annotations={"loopscope/inject": "true"})]
        )
        [sidecar] = pod["spec"]["initContainers"]
        self.assertEqual(sidecar["env"], extra["extraEnv"])
        self.assertEqual(sidecar["volumeMounts"], extra["extraVolumeMounts"])
        self.assertEqual(pod["spec"]["volumes"], extra["extraVolumes"])
        self.assertEqual(chart.problems([pod]), [])

    def test_a_wrong_type_is_noticed(self):
        """The API server refuses an object literal whose type is not that of its place."""
        policy = find(render(CASES["injection"]), POLICY)
        patch = policy["spec"]["mutations"][0]["jsonPatch"]
        patch["expression"] = patch["expression"].replace(
            "Object.spec.initContainers.ports{", "Object.spec.containers.ports{"
        )
        pod = self.pod(annotations={"loopscope/inject": "true"})
        with self.assertRaisesRegex(AssertionError, "Object.spec.containers.ports"):
            chart.node_script("admission.mjs", {"policy": policy, "pods": [pod]})

    def test_the_binding_names_the_policy(self):
        for case in ("injection", "injection-v1beta1"):
            manifests = render(CASES[case])
            policy = find(manifests, POLICY)
            binding = find(manifests, f"{POLICY}Binding")
            self.assertEqual(binding["spec"]["policyName"], policy["metadata"]["name"])
            self.assertEqual(binding["apiVersion"], policy["apiVersion"])


if __name__ == "__main__":
    unittest.main()
