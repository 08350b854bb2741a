#!/usr/bin/env python3
"""What each tier of privileges measures in a pod, and that it sees nothing outside of it.

The situation of a pod without a cluster: a Node with a user and a root file system of its own,
Loopscope in the image's root file system, read-only, not root, under the system call filter that
containers have by default, with the tier's capabilities and no others. A second Node runs
outside the pod all the while.
"""

import json
import unittest
from pathlib import Path

from harness import env
from harness.case import EndToEndCase
from harness.image import directory_for_images
from harness.pod import TARGET_UID, Pod, Tools
from harness.polling import wait_until

INSIDE, OUTSIDE = "inside", "outsider"
# Far from what a busy machine adds to short turns.
THRESHOLD = "--stall-threshold=150ms"
LAG = "eventloop_lag_seconds_count"
LIMIT = "eventloop_backlog_limit_connections"
PTRACE = {"CAP_SYS_PTRACE"}
FULL_PTRACE = {"CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"}
NODE_TIER = {"CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH", "CAP_SYS_ADMIN"}


def yama_lets_the_same_user_read():
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    return not scope.exists() or scope.read_text().strip() == "0"


class PodTest(EndToEndCase):
    @classmethod
    def setUpClass(cls):
        directory = directory_for_images()
        cls.addClassCleanup(directory.cleanup)
        cls.tools = Tools(directory.name)

    def setUp(self):
        super().setUp()
        self.pod = Pod(self, self.tools)
        self.target, self.pid, self.host_pid = self.pod.node("pod_target.js", INSIDE)
        script = self.called("pod_target.js", script=f"{OUTSIDE}.js")
        self.outsider = self.spawn(env.node(), f"--title={OUTSIDE}", script, name=OUTSIDE)
        self.outsider.wait_line("^ready")

    @staticmethod
    def listener(target):
        return f"127.0.0.1:{json.loads(target.ask('port').group(0))['port']}"

    def assert_only_the_pod(self, loopscope, doctor):
        """Nothing of what runs outside, under any name: process, port, pid."""
        answers = [doctor]
        for path in ("/metrics", "/api/v1/loops", "/api/v1/stalls"):
            answers.append(loopscope.http.get(path).text)
        for text in (OUTSIDE, self.listener(self.outsider)):
            self.assertNotIn(text, "\n".join(answers))
        metrics = loopscope.scrape()
        pids = {dict(labels).get("pid") for _, labels in metrics.keys()} - {None}
        self.assertLessEqual(pids, {str(self.pid)})

    def assert_backlog(self, metrics, pid):
        listener = self.listener(self.target)
        self.assertEqual(metrics.value(LIMIT, pid=pid, listener=listener), 511)
        self.assertEqual(metrics.value("eventloop_listen_overflows_total", pid=pid), 0)

    def assert_loop(self, loopscope, pid):
        """Phases, lag and exactly the stalls there were, each in its phase."""
        loopscope.wait_for_loop(pid, source="uv_stack")
        # Long enough for three looks at who computes: where no CPU is free one finds nobody.
        self.target.ask("burn 1000")
        self.target.ask("sleep 300")
        metrics = loopscope.wait_metrics(
            lambda m: m.sum("eventloop_stalls_total", pid=pid) >= 2, 5, "stalls"
        )
        self.assertEqual(metrics.by("eventloop_stalls_total", "phase", pid=pid)["timers"], 2)
        self.assertEqual(metrics.sum("eventloop_stalls_total", pid=pid), 2)
        causes = metrics.by("eventloop_stall_seconds_total", "cause", pid=pid)
        # On a busy machine it also waits for a CPU.
        self.assertGreater(causes.get("cpu", 0) + causes.get("starved", 0), 0.2)
        self.assertGreater(causes.get("blocked", 0), 0.2)
        self.assertGreater(metrics.value("eventloop_lag_seconds_sum", pid=pid), 0.05)
        return metrics

    def assert_no_loop(self, loopscope, doctor, permitted):
        metrics = loopscope.scrape()
        self.assertEqual(metrics.samples(LAG), [])
        self.assertEqual(metrics.sum("eventloop_stalls_total"), 0)
        self.assertEqual(metrics.value("loopscope_source_success", source="uv_stack"), 0)
        for source in ("uv_stack", "procfs"):
            self.assertEqual(metrics.value("loopscope_source_permitted", source=source), permitted)
        self.assertEqual(metrics.value("loopscope_source_permitted", source="backlog"), 1)
        self.assertRegex(doctor, r"uv_stack +not available: .* CAP_SYS_PTRACE")

    def blamed(self, loopscope, pid):
        """Functions blamed for the two stalls of assert_loop(), in their order."""
        def ended():
            stalls = loopscope.json("/api/v1/stalls")
            found = [s for s in stalls if s["pid"] == pid and not s["in_progress"]]
            return found if len(found) == 2 else None

        return [stall["function"] for stall in reversed(wait_until(ended, 5, "ended stalls"))]

    # --- restricted: no capability -----------------------------------------------------------

    def check_backlog_alone(self, permitted=0, **tier):
        """permitted: 0 is what the tier documents, and nothing to alert about."""
        loopscope = self.pod.loopscope("--name", f"^{INSIDE}$", **tier)
        metrics = loopscope.wait_metrics(lambda m: m.samples(LIMIT), 15, "listener")
        self.assert_backlog(metrics, self.pid)
        doctor = self.pod.doctor("--pid", str(self.pid), **tier)
        self.assert_no_loop(loopscope, doctor, permitted)
        return loopscope, doctor

    def test_restricted_sees_the_backlog_of_a_named_process(self):
        loopscope, doctor = self.check_backlog_alone(no_new_privs=True)
        self.assertRegex(doctor, r"CAP_SYS_PTRACE +no: .*has to be given it")
        self.assert_only_the_pod(loopscope, doctor)

    def test_restricted_finds_nothing_by_itself(self):
        loopscope = self.pod.loopscope()
        metrics = loopscope.scrape()
        self.assertEqual(metrics.value("loopscope_targets"), 0)
        self.assertIn("no process with an event loop", self.pod.doctor())

    def test_restricted_as_the_same_user_sees_loops_where_yama_allows(self):
        loopscope = self.pod.loopscope(THRESHOLD, uid=TARGET_UID)
        doctor = self.pod.doctor(uid=TARGET_UID)
        if yama_lets_the_same_user_read():
            self.assert_backlog(self.assert_loop(loopscope, self.pid), self.pid)
            self.assertEqual(self.blamed(loopscope, self.pid), ["burn", "sleepInPod"])
        else:
            self.assert_no_loop(loopscope, doctor, permitted=0)
        self.assert_only_the_pod(loopscope, doctor)

    # --- ptrace: SYS_PTRACE, and DAC_OVERRIDE for what threads wait for ----------------------

    def check_ptrace(self, capabilities, **container):
        tier = {"capabilities": capabilities, **container}
        loopscope = self.pod.loopscope(THRESHOLD, **tier)
        self.assert_backlog(self.assert_loop(loopscope, self.pid), self.pid)
        doctor = self.pod.doctor(**tier)
        self.assertRegex(doctor, r"stacks perf +not available")
        self.assertRegex(doctor, r"stacks ptrace +available")
        self.assert_only_the_pod(loopscope, doctor)
        return doctor, self.blamed(loopscope, self.pid)

    def test_ptrace_sees_all_but_what_sleeping_threads_wait_for(self):
        doctor, blamed = self.check_ptrace(PTRACE, no_new_privs=False)
        self.assertRegex(doctor, r"CAP_DAC_OVERRIDE +no: ")
        self.assertRegex(doctor, r"stacks sleeping +not available")
        self.assertEqual(blamed, ["burn", None])

    def test_ptrace_and_dac_override_see_all(self):
        doctor, blamed = self.check_ptrace(FULL_PTRACE, no_new_privs=False)
        self.assertRegex(doctor, r"stacks sleeping +available")
        self.assertEqual(blamed, ["burn", "sleepInPod"])

    def test_no_new_privs_leaves_what_the_runtime_had_permitted(self):
        self.check_ptrace(FULL_PTRACE, no_new_privs=True)

    def test_no_new_privs_takes_what_the_runtime_had_not(self):
        _, doctor = self.check_backlog_alone(
            permitted=1, capabilities=FULL_PTRACE, no_new_privs=True, forget_permitted=True
        )
        self.assertRegex(doctor, r"CAP_SYS_PTRACE +no: .*allowPrivilegeEscalation")

    def test_a_program_in_parts_on_an_overlay(self):
        """Debian's Node is three files; of an image's overlay the kernel tells other inodes."""
        pod = Pod(self, self.tools)
        self.target, pid, _ = pod.node("pod_target.js", "debian", variant="debian")
        loopscope = pod.loopscope(THRESHOLD, capabilities=FULL_PTRACE)
        metrics = self.assert_loop(loopscope, pid)
        ((info, _),) = metrics.samples("eventloop_info", pid=pid, loop="main")
        self.assertEqual(info["runtime"], "node")
        self.assertRegex(info["runtime_version"], r"^18\.\d+\.\d+$")
        self.blamed(loopscope, pid)
        # Each library's own file was read: libuv's, or there would be no phases, and those of the
        # C library and libnode, whose frames stand above the JavaScript that sleeps.
        sleeping = loopscope.json("/api/v1/stalls")[0]
        libraries = {frame["file"] for frame in sleeping["stack"] if frame["function"]}
        for library in ("libc.so.6", "libnode.so.108"):
            self.assertIn(library, libraries)

    def test_the_images_own_server_shows_who_blocks(self):
        """As in the chart's demo."""
        pid, client = self.pod.server()
        loopscope = self.pod.loopscope(THRESHOLD, capabilities=FULL_PTRACE)
        loopscope.wait_for_loop(pid, source="uv_stack")
        client.get("/block?phase=poll&ms=1000")
        client.close()

        def ended():
            stalls = loopscope.json("/api/v1/stalls")
            return [s for s in stalls if s["pid"] == pid and not s["in_progress"]] or None

        (stall,) = wait_until(ended, 5, "stall")
        self.assertEqual(stall["phase"], "poll")
        self.assertRegex(stall["function"], "^loopscope::server::")

    # --- node: the host's processes, other network namespaces --------------------------------

    def test_node_sees_every_pod_and_the_host(self):
        tier = {"capabilities": NODE_TIER, "no_new_privs": False, "host_pid": True}
        loopscope = Pod(self, self.tools).loopscope(THRESHOLD, **tier)
        metrics = self.assert_loop(loopscope, self.host_pid)
        self.assert_backlog(metrics, self.host_pid)
        self.assertEqual(self.blamed(loopscope, self.host_pid), ["burn", "sleepInPod"])
        loopscope.wait_for_loop(self.outsider.pid, source="uv_stack")
        metrics = loopscope.wait_metrics(
            lambda m: m.samples(LIMIT, pid=self.outsider.pid), 15, "listener of the host"
        )
        outside = self.listener(self.outsider)
        self.assertEqual(metrics.value(LIMIT, pid=self.outsider.pid, listener=outside), 511)

    def test_node_without_sys_admin_has_no_backlog_of_other_networks(self):
        tier = {"capabilities": PTRACE, "no_new_privs": False, "host_pid": True}
        loopscope = Pod(self, self.tools).loopscope(THRESHOLD, **tier)
        loopscope.wait_for_loop(self.host_pid, source="uv_stack")
        metrics = loopscope.wait_metrics(
            lambda m: m.value("loopscope_source_success", source="backlog") == 0, 15, "refusal"
        )
        self.assertEqual(metrics.samples(LIMIT, pid=self.host_pid), [])
        self.assertEqual(metrics.value("loopscope_source_permitted", source="backlog"), 0)
        self.assertEqual(metrics.value("loopscope_source_permitted", source="uv_stack"), 1)
        doctor = Pod(self, self.tools).doctor("--pid", str(self.host_pid), **tier)
        self.assertRegex(doctor, r"backlog +not available: .*CAP_SYS_ADMIN")


if __name__ == "__main__":
    unittest.main(verbosity=2)
