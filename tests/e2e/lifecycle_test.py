#!/usr/bin/env python3
"""Targets that die, come back, become another program, multiply: no crash, no stale series."""

import json
import os
import sys
import time
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.polling import wait_until
from harness.server import LoopscopeServer

NODE = "22"



def slots(loopscope):
    return sorted(loop["slot"] for loop in loopscope.loops())

class LifecycleTest(EndToEndCase):
    def unique_node(self):
        """A Node under a name that no other process on this machine has."""
        directory = self.temporary_directory()
        name = f"ls-e2e-{os.getpid()}"
        (directory / name).symlink_to(env.node(NODE))
        return directory / name

    def start_idle(self, node, *arguments):
        target = self.spawn(node, env.WORKLOADS / "idle_server.js", *arguments)
        ready = target.wait_line(r"^ready (.*)$").group(1)
        return target, json.loads(ready)["port"]

    def assert_vanished(self, loopscope, pid, identity):
        """No series of a process that ended, at the second scrape at the latest. `identity`: the
        labels they had, if nobody is to have them now."""

        def stale():
            metrics = loopscope.scrape()
            return {
                key
                for key in metrics.keys()
                if ("pid", str(pid)) in key[1]
                or (identity and identity.items() <= dict(key[1]).items())
            }

        for _ in range(2):
            time.sleep(1)  # a scrape interval: the shortest that is in use
            left = stale()
            if not left:
                return
        self.fail(f"series of pid {pid} after two scrapes: {sorted(left)[:3]}")

    def check_restarts(self, loopscope, start):
        target, _ = start()
        for _ in range(3):
            loopscope.wait_for_loop(target.pid, source="uv_stack")
            self.assertEqual(len(loopscope.loops()), 1)
            identity = loopscope.scrape().identity(target.pid)
            self.assertEqual(identity["slot"], "0", "the predecessor's")
            target.kill()
            self.assert_vanished(loopscope, target.pid, identity)
            target, _ = start()
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        self.assertEqual(loopscope.scrape().value("loopscope_targets"), 1)

    def test_restart_found_by_name(self):
        node = self.unique_node()
        loopscope = self.loopscope("--name", f"^{node.name}$")
        self.check_restarts(loopscope, lambda: self.start_idle(node))
        self.assertEqual(loopscope.stop(), 0)

    def test_restart_found_by_port(self):
        node = env.node(NODE)
        first, port = self.start_idle(node)
        first.kill()
        loopscope = self.loopscope("--port", port)
        self.check_restarts(loopscope, lambda: self.start_idle(node, port))

    def test_target_of_pid_ends(self):
        target, _ = self.start_idle(env.node(NODE))
        loopscope = self.loopscope("--pid", target.pid)
        loopscope.wait_for_loop(target.pid)
        identity = loopscope.scrape().identity(target.pid)
        target.kill()
        self.assert_vanished(loopscope, target.pid, identity)
        self.assertTrue(loopscope.running(), "the exporter outlives its target")
        self.assertEqual(loopscope.scrape().value("loopscope_targets"), 0)

    def test_exec_keeps_the_pid_and_changes_the_image(self):
        target = self.spawn(sys.executable, env.WORKLOADS / "epoll_server.py")
        target.wait_line("^ready")
        loopscope = self.loopscope("--pid", target.pid)
        loopscope.wait_for_loop(target.pid, source="procfs")
        target.ask(f"exec {env.node(NODE)} {env.WORKLOADS / 'idle_server.js'}", "^ready")
        loopscope.wait_for_loop(target.pid, source="uv_stack", timeout=15)
        infos = loopscope.loops(target.pid)
        self.assertEqual([info["runtime"] for info in infos], ["node"], infos)

    def test_node_cluster(self):
        # Workers get the primary's arguments: a word there finds all of them.
        word = f"ls-e2e-cluster-{os.getpid()}"
        primary = self.spawn(env.node(NODE), env.WORKLOADS / "cluster_server.js", "4", word)
        primary.wait_line("^ready")
        loopscope = self.loopscope("--name", word)

        def workers():
            return json.loads(primary.ask("workers").group(0))["pids"]

        def all_shown():
            pids = workers()
            shown = sorted(int(loop["pid"]) for loop in loopscope.loops())
            return len(pids) == 4 and shown == sorted([primary.pid, *pids])

        wait_until(all_shown, 20, "primary and four workers", interval=0.2)
        self.assertEqual(slots(loopscope), ["0", "1", "2", "3", "4"])
        victim = workers()[0]
        os.kill(victim, 9)
        self.assert_vanished(loopscope, victim, None)
        wait_until(all_shown, 20, "replacement of the worker", interval=0.2)
        self.assertEqual(slots(loopscope), ["0", "1", "2", "3", "4"], "the same series")

    def test_server_cluster(self):
        server = self.adopt(LoopscopeServer("--cluster", "4"))
        loopscope = self.loopscope("--port", server.port)
        wait_until(lambda: len(loopscope.loops()) >= 4, 20, "four workers", interval=0.2)
        server.signal(15)
        self.assertEqual(server.wait(), 0)
        wait_until(lambda: not loopscope.loops(), 5, "end of all series", interval=0.5)

    def test_twenty_worker_threads(self):
        target = self.node(NODE, "worker_threads.js")
        loopscope = self.loopscope("--pid", target.pid)
        loopscope.wait_for_loop(target.pid, source="uv_stack")

        def loop_names():
            return sorted(loop["loop"] for loop in loopscope.loops(target.pid))

        fds = None
        for _ in range(3):
            target.ask("start 20")
            wait_until(lambda: len(loop_names()) == 21, 20, "21 loops", interval=0.2)
            self.assertIn("main", loop_names())
            self.assertTrue(all(n == "main" or n.startswith("worker-") for n in loop_names()))
            target.ask("end")
            wait_until(lambda: loop_names() == ["main"], 5, "main alone", interval=0.5)
            stale = [k for k in loopscope.scrape().keys() if any("worker-" in v for _, v in k[1])]
            self.assertEqual(stale, [])
            now = len(os.listdir(f"/proc/{loopscope.pid}/fd"))
            fds = fds or now
            # A stall of the main loop, should there be one, keeps a few of its own open.
            self.assertLessEqual(now, fds + 8, "file descriptors")

    def test_command_of_its_own(self):
        loopscope = self.loopscope("--", env.node(NODE), env.WORKLOADS / "idle_server.js")
        found = wait_until(loopscope.loops, 20, "the command's loop")
        pid = int(found[0]["pid"])
        loopscope.wait_for_loop(pid, source="uv_stack")
        self.assertEqual(loopscope.stop(), 0)
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), 5, "end of the command")


if __name__ == "__main__":
    unittest.main(verbosity=2)
