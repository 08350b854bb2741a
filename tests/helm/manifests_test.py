#!/usr/bin/env python3
"""What the chart renders is valid for Kubernetes and the Prometheus operator, keeps the
promises about privileges, and Loopscope accepts the command lines and files in it."""

import copy
import pathlib
import re
import subprocess
import tempfile
import unittest

import chart
from cases import CASES, MONITORING
from chart import containers, find, loopscope_container, pod_spec, render

ALL = {**CASES, "monitoring": MONITORING}


def setUpModule():  # pylint: disable=invalid-name
    chart.require_platform()


def security_level(spec):
    """The Pod Security Standard that a pod meets, of what this chart can do to it."""
    added = set()
    for container in containers(spec):
        added |= set(container["securityContext"]["capabilities"].get("add", []))
    host = spec.get("hostPID") or spec.get("hostNetwork") or spec.get("hostIPC")
    if host or added or any("hostPath" in v for v in spec.get("volumes", [])):
        return "privileged"
    for container in containers(spec):
        context = container["securityContext"]
        if (
            context["allowPrivilegeEscalation"]
            or context["capabilities"]["drop"] != ["ALL"]
            or not context["runAsNonRoot"]
            or context["seccompProfile"] != {"type": "RuntimeDefault"}
        ):
            return "baseline"
    return "restricted"


class ValidTest(unittest.TestCase):
    def test_everything_is_valid(self):
        everything = [manifest for values in ALL.values() for manifest in render(values)]
        self.assertEqual(chart.problems(everything), [])

    def test_unknown_fields_are_refused(self):
        """In every kind that the chart renders, at its top and where it is deepest."""
        kinds = {m["kind"]: m for values in ALL.values() for m in render(values)}
        self.assertEqual(len(kinds), 11, sorted(kinds))
        broken = []
        for manifest in kinds.values():
            outer = copy.deepcopy(manifest)
            outer["unheardOf"] = 1
            broken.append(outer)
            if pod_spec(manifest):
                inner = copy.deepcopy(manifest)
                containers(pod_spec(inner))[0]["securityContext"]["unheardOf"] = True
                broken.append(inner)
        found = chart.problems(broken)
        for manifest in broken:
            who = f"{manifest['kind']} {manifest['metadata']['name']}: "
            self.assertTrue(any(p.startswith(who) and "unheardOf" in p for p in found), who)
        self.assertEqual(len(found), len(broken), found)

    def test_wrong_kinds_of_values_are_refused(self):
        monitor = find(render(CASES["none"]), "PodMonitor")
        monitor["spec"]["podMetricsEndpoints"][0]["interval"] = "soon"
        daemon_set = find(render({}), "DaemonSet")
        del daemon_set["spec"]["template"]["spec"]["containers"][0]["name"]
        found = chart.problems([monitor, daemon_set])
        self.assertTrue(any("interval" in p for p in found), found)
        self.assertTrue(any("name" in p for p in found), found)


class PrivilegesTest(unittest.TestCase):
    def workloads(self):
        for name, values in CASES.items():
            for manifest in render(values):
                if pod_spec(manifest):
                    yield name, values, manifest, pod_spec(manifest)

    def test_every_container_is_closed(self):
        for name, _, manifest, spec in self.workloads():
            with self.subTest(case=name, workload=manifest["metadata"]["name"]):
                self.assertIs(spec["automountServiceAccountToken"], False)
                for container in containers(spec):
                    context = container["securityContext"]
                    self.assertEqual(context["capabilities"]["drop"], ["ALL"])
                    self.assertIs(context["privileged"], False)
                    self.assertIs(context["readOnlyRootFilesystem"], True)
                    self.assertIs(context["runAsNonRoot"], True)
                    self.assertEqual(context["seccompProfile"], {"type": "RuntimeDefault"})
                    if "loopscope" not in container["image"]:
                        # Its own user may be root, which would not be let in.
                        self.assertGreater(context["runAsUser"], 0)
                for volume in spec.get("volumes", []):
                    if "hostPath" in volume:
                        mounts = [
                            mount
                            for container in containers(spec)
                            for mount in container["volumeMounts"]
                            if mount["name"] == volume["name"]
                        ]
                        self.assertTrue(mounts and all(m["readOnly"] for m in mounts))

    def test_capabilities_are_those_of_the_tier(self):
        def added(values, kind):
            spec = pod_spec(find(render(values), kind))
            context = loopscope_container(spec)["securityContext"]
            escalation = context["allowPrivilegeEscalation"]
            return context["capabilities"].get("add", []), escalation

        self.assertEqual(added({}, "DaemonSet"), (["SYS_PTRACE", "DAC_READ_SEARCH", "SYS_ADMIN"], True))
        self.assertEqual(
            added({"node": {"otherNetworks": False}}, "DaemonSet"),
            (["SYS_PTRACE", "DAC_READ_SEARCH"], True),
        )
        self.assertEqual(
            added({"node": {"perf": True}}, "DaemonSet"),
            (["SYS_PTRACE", "DAC_READ_SEARCH", "SYS_ADMIN", "PERFMON"], True),
        )
        self.assertEqual(added({"mode": "demo"}, "Deployment"), (["SYS_PTRACE", "DAC_OVERRIDE"], True))
        self.assertEqual(added({"mode": "demo", "tier": "restricted"}, "Deployment"), ([], False))

    def test_sidecars_have_no_probe(self):
        for name, _, _, spec in self.workloads():
            for container in spec.get("initContainers", []):
                with self.subTest(name):
                    self.assertEqual(container["restartPolicy"], "Always")
                    self.assertFalse([key for key in container if key.endswith("Probe")])

    def test_the_notes_tell_the_level_that_the_pods_meet(self):
        for name, values, _, spec in self.workloads():
            with self.subTest(name):
                done = chart.helm(
                    "4", "install", "r", chart.CHART, "--dry-run=client", values=values
                )
                notes = done.stdout.split("\nNOTES:\n")[1]
                said = re.search(r'Pod Security Standard "(\w+)"', notes)[1]
                levels = ["restricted", "baseline", "privileged"]
                self.assertLessEqual(levels.index(security_level(spec)), levels.index(said))
                # The load is closer than the server beside it.
                if "hostPID" in spec or "initContainers" in spec:
                    self.assertEqual(security_level(spec), said)


class AcceptedByLoopscopeTest(unittest.TestCase):
    def test_flags_exist(self):
        for program, help_of in (
            ("loopscope", [chart.env.loopscope(), "run", "--help"]),
            ("loopscope-server", [chart.env.loopscope_server(), "--help"]),
        ):
            known = set(re.findall(r"^ +(--[\w-]+)", chart.call(help_of).stdout, re.MULTILINE))
            self.assertIn("--listen", known)
            used = set()
            for values in CASES.values():
                for manifest in render(values):
                    for container in containers(pod_spec(manifest) or {"containers": []}):
                        if container["command"] == [program]:
                            used |= {word.split("=")[0] for word in container["args"]}
            used -= {"run"}
            self.assertTrue(used)
            self.assertLessEqual(used, known)

    def test_configuration_files(self):
        checked = 0
        for name, values in CASES.items():
            for manifest in render(values):
                if manifest["kind"] != "ConfigMap":
                    continue
                with self.subTest(name), tempfile.TemporaryDirectory() as directory:
                    path = pathlib.Path(directory, "loopscope.yaml")
                    path.write_text(manifest["data"]["loopscope.yaml"])
                    done = self.check(path)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    checked += 1
        self.assertGreaterEqual(checked, 3)

    def test_a_wrong_configuration_is_noticed(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory, "loopscope.yaml")
            path.write_text("stall_threshold: 50\n")
            self.assertEqual(self.check(path).returncode, 2)

    def check(self, path):
        return subprocess.run(
            [chart.env.loopscope(), "check-config", path],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


if __name__ == "__main__":
    unittest.main()
