#!/usr/bin/env python3
"""What processes are called and which are watched: names that hold, slots, descendants."""

import json
import os
import shutil
import unittest

from harness import env, procfs
from harness.case import EndToEndCase
from harness.polling import wait_until

NODE = "22"
WORKLOADS = env.WORKLOADS / "identity"


class IdentityTest(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.folder = self.temporary_directory()
        shop = self.folder / "shop"
        (shop / "src").mkdir(parents=True)
        (shop / "package.json").write_text('{"version": "1.0.0", "name": "shop-api"}')
        shutil.copy(WORKLOADS / "named.js", shop / "src" / "server.js")
        shutil.copy(WORKLOADS / "named.js", self.folder / "plain.js")

    def start(self, script, *arguments, variant=NODE, environment=None):
        child = self.spawn(
            env.node(variant), self.folder / script, *arguments, env=environment, cwd="/"
        )
        child.wait_line("^ready")
        return child

    def watch(self, *children, options=()):
        pids = [word for child in children for word in ("--pid", child.pid)]
        loopscope = self.loopscope(*pids, *options)
        for child in children:
            loopscope.wait_for_loop(child.pid)
        return loopscope

    @staticmethod
    def identities(loopscope):
        """(process, slot) by pid."""
        found = loopscope.scrape().samples("eventloop_process_info")
        return {int(have["pid"]): (have["process"], have["slot"]) for have, _ in found}

    def test_names_hold_whatever_the_title(self):
        shop = self.start("shop/src/server.js")
        plain = self.start("plain.js")
        titled = self.start("shop/src/server.js", "checkout-api (v2)")
        numbered = self.start("plain.js", environment={"NODE_APP_INSTANCE": "4"})
        pm2 = self.start(
            "plain.js", "node /srv/x.js", variant="22-stripped",
            environment={"pm_exec_path": str(self.folder / "shop/src/server.js"), "pm_id": "7"},
        )
        pm2_cluster = self.start(
            "plain.js", "node /srv/x.js", variant="22-stripped",
            environment={"pm2_env": json.dumps({
                "env": {"pm_id": 1}, "pm_exec_path": str(self.folder / "shop/src/server.js"),
                "pm_id": 9, "NODE_APP_INSTANCE": 5,
            })},
        )
        expected = {
            shop.pid: ("shop-api", "0"),
            plain.pid: ("plain.js", "0"),
            titled.pid: ("shop-api", "1"),
            numbered.pid: ("plain.js", "4"),
            pm2.pid: ("shop-api", "7"),
            pm2_cluster.pid: ("shop-api", "5"),
        }
        children = (shop, plain, titled, numbered, pm2, pm2_cluster)
        loopscope = self.watch(*children)
        self.assertEqual(self.identities(loopscope), expected)
        keys = loopscope.scrape().keys()
        for child in children:
            child.send("title renamed-later")
            wait_until(
                lambda pid=child.pid: procfs.comm(pid) == "renamed-later",
                10, "another title",
            )
        shop.send("block 300")
        shop.wait_line("^blocked")
        stall = wait_until(
            lambda: [s for s in loopscope.json("/api/v1/stalls") if s["pid"] == shop.pid],
            10, "its stall",
        )[0]
        self.assertEqual((stall["process"], stall["slot"]), ("shop-api", 0))
        self.assertEqual(self.identities(loopscope), expected)
        names = {dict(labels).get("process") for _, labels in loopscope.scrape().keys()} - {None}
        self.assertEqual(names, {"shop-api", "plain.js"})
        self.assertLessEqual(keys, loopscope.scrape().keys(), "no series has gone")
        self.assertFalse([k for k in keys if "eventloop_blocked_seconds" in k and "pid" in k[1]])

        again = self.watch(*children)
        self.assertEqual(
            {pid: name for pid, (name, _) in self.identities(again).items()},
            {pid: name for pid, (name, _) in expected.items()},
            "of titles that were there before",
        )

    def test_restarts_make_no_new_series(self):
        word = f"ls-e2e-restart-{os.getpid()}"
        loopscope = self.loopscope("--name", word)
        keys = None
        for _ in range(4):
            child = self.start("shop/src/server.js", "--", word)
            loopscope.wait_for_loop(child.pid, source="uv_stack")
            child.send("block 200")
            child.wait_line("^blocked")
            metrics = loopscope.wait_metrics(
                lambda m: m.samples("eventloop_stall_culprit_seconds_total", function="stallHere"),
                10, "its function",
            )
            now = {
                key for key in metrics.keys()
                if key[0].startswith("eventloop_") and key[0] != "eventloop_process_info"
                # A port of its own each time; phases, causes and functions as it comes.
                and not {"listener", "phase", "function"} & dict(key[1]).keys()
            }
            self.assertEqual(now, keys or now)
            keys = now
            child.kill()
            wait_until(lambda: not loopscope.loops(), 10, "end of its loop")

    def test_another_program_under_the_same_pid(self):
        child = self.start("plain.js", variant="22")
        loopscope = self.watch(child)
        info = loopscope.loops(child.pid)[0]
        self.assertTrue(info["runtime_version"].startswith("22."), info)
        child.send(f"exec {env.node('24')} {self.folder / 'shop/src/server.js'}")
        child.wait_line("^ready", start=1)
        wait_until(
            lambda: self.identities(loopscope) == {child.pid: ("shop-api", "0")}, 15, "new name"
        )
        info = loopscope.wait_for_loop(child.pid, source="uv_stack")
        self.assertTrue(info["runtime_version"].startswith("24."), info)
        child.send("block 400")
        child.wait_line("^blocked")
        stall = wait_until(
            lambda: [s for s in loopscope.json("/api/v1/stalls") if s["function"] == "stallHere"],
            10, "its function, by the constants of the other Node",
        )[0]
        self.assertEqual((stall["process"], stall["slot"]), ("shop-api", 0))

    def test_who_selects_the_primary_sees_the_workers(self):
        word = f"ls-e2e-family-{os.getpid()}"
        primary = self.node(NODE, "cluster_server.js", "2", word)
        for selection in (("--pid", primary.pid), ("--name", word)):
            loopscope = self.loopscope(*selection)
            slots = {"0", "1", "2"}
            wait_until(
                lambda: {loop["slot"] for loop in loopscope.loops()} == slots, 15, "two workers"
            )
            self.assertEqual(loopscope.stop(), 0)

    def test_a_shell_that_starts_a_server(self):
        script = f"{env.node(NODE)} {self.folder / 'plain.js'}; true"
        shell = self.spawn("sh", "-c", script)
        shell.wait_line("^ready")
        loopscope = self.loopscope("--pid", shell.pid)
        wait_until(lambda: len(loopscope.loops()) == 1, 15, "the server")
        self.assertEqual(loopscope.loops()[0]["process"], "plain.js")

    def test_a_queue_worker_needs_no_port_and_no_selection(self):
        script = f"queue-{os.getpid()}.js"
        shutil.copy(WORKLOADS / "queue_worker.js", self.folder / script)
        worker = self.start(script)
        loopscope = self.loopscope()
        loopscope.wait_for_loop(worker.pid, source="uv_stack")
        wait_until(
            lambda: [s for s in loopscope.json("/api/v1/stalls?limit=1000")
                     if s["process"] == script and s["function"] == "work"],
            15, "its function",
        )

    def test_worker_threads_take_free_numbers(self):
        target = self.node(NODE, "worker_threads.js")
        loopscope = self.watch(target)
        for _ in range(3):
            target.ask("start 2")
            wait_until(
                lambda: {loop["loop"] for loop in loopscope.loops(target.pid)}
                == {"main", "worker-1", "worker-2"},
                15, "two workers",
            )
            target.ask("end")
            wait_until(lambda: len(loopscope.loops(target.pid)) == 1, 10, "their end")


if __name__ == "__main__":
    unittest.main(verbosity=2)
