#!/usr/bin/env python3
"""A target in PID, mount and network namespaces of its own, as in a container."""

import json
import sys
import unittest

from harness import env, procfs
from harness.case import EndToEndCase
from harness.polling import wait_until
from harness.stalls import LoopFigures, growth

NODE = "22"
COUNT = 10


class NamespacesTest(EndToEndCase):
    def start_contained(self, workload):
        """The process started to make the namespaces, and the target's pid seen from here."""
        outer = self.spawn(
            env.tool("unshare"), "--pid", "--mount", "--net", "--fork", "--kill-child",
            sys.executable, env.WORKLOADS / "own_namespaces.py",
            env.node(NODE), env.WORKLOADS / workload,
        )
        outer.wait_line("^ready")
        (inner,) = procfs.children(outer.pid)
        return outer, inner

    def test_phases_of_a_contained_target(self):
        target, pid = self.start_contained("phase_stalls.js")
        loopscope = self.loopscope("--pid", pid)
        loopscope.wait_for_loop(pid, source="uv_stack")
        before = LoopFigures(loopscope.scrape(), pid)
        truth = json.loads(target.ask(f"go {COUNT} 1").group(0))
        expected = {phase: entry["count"] for phase, entry in truth.items()}

        def counted():
            return growth(before.stalls, LoopFigures(loopscope.scrape(), pid).stalls)

        wait_until(lambda: sum(counted().values()) >= COUNT, 5, "stalls")
        self.assertEqual(counted(), expected)

    def test_listener_of_a_contained_target(self):
        _, pid = self.start_contained("backlog_server.js")
        loopscope = self.loopscope("--pid", pid)
        metrics = loopscope.wait_metrics(
            lambda m: m.samples("eventloop_backlog_limit_connections", pid=pid), 15, "listener"
        )
        self.assertEqual(metrics.value("eventloop_backlog_limit_connections", pid=pid), 511)
        self.assertEqual(metrics.value("eventloop_listen_overflows_total", pid=pid), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
