#!/usr/bin/env python3
"""The accept queue of a blocked server: depth, limit and overflows, with few rights too."""

import json
import re
import socket
import subprocess
import time
import unittest

from harness import env, procfs
from harness.case import EndToEndCase
from harness.polling import wait_until
from harness.stalls import LoopFigures

NODE = "22"
CONNECTS = 600
LIMIT = 511  # Node's default backlog
BLOCK_SECONDS = 8
FUTEX = (202, 98)  # the system call's number on x86-64 and aarch64


class BacklogTest(EndToEndCase):
    def start_target(self, uid=None):
        """A server with its port; as another account from a copy that it may read."""
        copy = self.public_copy(env.node(NODE), env.WORKLOADS)
        target = self.spawn(
            copy / "node",
            copy / "workloads" / "backlog_server.js",
            name="backlog server",
            uid=uid,
        )
        target.wait_line("^ready")
        port = json.loads(target.ask("port").group(0))["port"]
        return target, port

    def connect_many(self, port, count=CONNECTS):
        """Starts connections without waiting for any of them."""
        connections = []
        for _ in range(count):
            connection = socket.socket()
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))
            connections.append(connection)
        self.addCleanup(lambda: [connection.close() for connection in connections])
        return connections

    def check_backlog(self, target, port, loopscope):
        listener = {"listener": f"127.0.0.1:{port}"}

        def gauge(metrics, name):
            return metrics.sum(f"eventloop_{name}", **listener)

        empty = loopscope.wait_metrics(
            lambda m: gauge(m, "backlog_limit_connections") == LIMIT, 15, "limit 511"
        )
        self.assertEqual(gauge(empty, "backlog_connections"), 0)
        overflows_before = empty.sum("eventloop_listen_overflows_total")
        self.assertTrue(empty.samples("eventloop_listen_overflows_total"))

        start = len(target.lines())
        target.ask(f"block {BLOCK_SECONDS}", '"blocking":true')
        wait_until(lambda: procfs.system_call(target.pid) in FUTEX, 5, "blocked server")
        connections = self.connect_many(port)
        full = loopscope.wait_metrics(
            lambda m: gauge(m, "backlog_connections") == LIMIT + 1, 5, "depth 512"
        )
        self.assertEqual(gauge(full, "backlog_limit_connections"), LIMIT)
        grown = loopscope.wait_metrics(
            lambda m: m.sum("eventloop_listen_overflows_total") > overflows_before,
            5,
            "growing overflows",
        )
        self.assertEqual(gauge(grown, "backlog_max_connections"), LIMIT + 1)
        self.assertGreater(
            grown.sum("eventloop_listen_drops_total"), empty.sum("eventloop_listen_drops_total")
        )
        self.assertGreaterEqual(gauge(grown, "backlog_syn_received_connections"), 0)

        # Bytes that nobody has read show per listener as well.
        for connection in connections[:20]:
            try:
                connection.send(b"hello")
            except OSError:
                pass  # this one did not get into the queue
        target.wait_line('"blocking":false', start=start)
        drained = loopscope.wait_metrics(
            lambda m: gauge(m, "backlog_connections") == 0, 10, "drained backlog"
        )
        self.assertEqual(gauge(drained, "backlog_max_connections"), LIMIT + 1)
        return full

    def test_as_root(self):
        target, port = self.start_target()
        loopscope = self.loopscope("--pid", target.pid)
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        full = self.check_backlog(target, port, loopscope)
        self.assertEqual(
            full.samples("eventloop_backlog_connections")[0][0]["pid"], str(target.pid)
        )
        self.assertGreater(LoopFigures(full, target.pid).blocked, 0)

    def test_unprivileged_with_its_own_target(self):
        target, port = self.start_target(uid=env.UNPRIVILEGED_UID)
        binary = self.public_copy(env.loopscope()) / "loopscope"
        loopscope = self.loopscope(
            "--pid", target.pid, uid=env.UNPRIVILEGED_UID, binary=binary
        )
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        full = self.check_backlog(target, port, loopscope)
        self.assertGreater(LoopFigures(full, target.pid).blocked, 0)

    def test_unprivileged_with_a_target_of_root(self):
        target, port = self.start_target()
        binary = self.public_copy(env.loopscope()) / "loopscope"
        loopscope = self.loopscope(
            "--pid", target.pid, uid=env.UNPRIVILEGED_UID, binary=binary
        )
        self.check_backlog(target, port, loopscope)

        metrics = loopscope.scrape()
        self.assertEqual(metrics.value("loopscope_source_success", source="uv_stack"), 0)
        self.assertEqual(metrics.value("loopscope_source_success", source="backlog"), 1)
        self.assertEqual(metrics.samples("eventloop_phase_seconds_total"), [])
        # Several passes of discovery later the log has still said it once.
        reason = r"cannot read the memory map .* not permitted; run as .* CAP_SYS_PTRACE"
        loopscope.wait_line(reason, stream="stderr")
        time.sleep(3)
        said = [line for line in loopscope.lines("stderr") if re.search(reason, line)]
        self.assertEqual(len(said), 1, said)
        self.check_doctor(binary, target)

    def test_a_socket_of_several_processes_counts_once(self):
        target = self.node(NODE, "shared_listener.js")
        cluster = json.loads(target.ask("port").group(0))
        port, workers = cluster["port"], cluster["pids"]
        pids = [target.pid, *workers]
        loopscope = self.loopscope(*(f"--pid={pid}" for pid in pids))
        for pid in pids:
            loopscope.wait_for_loop(pid, source="uv_stack")
        target.ask("block 6", '"blocking":true')
        for pid in workers:
            wait_until(lambda pid=pid: procfs.system_call(pid) in FUTEX, 5, "blocked worker")
        count = 40
        self.connect_many(port, count)
        name = "eventloop_backlog_connections"
        metrics = loopscope.wait_metrics(lambda m: m.sum(name) >= count, 5, "a full queue")
        self.assertEqual(metrics.sum(name), count)
        self.assertEqual(metrics.sum("eventloop_backlog_limit_connections"), LIMIT)
        ((labels, owners),) = metrics.samples("eventloop_backlog_owners")
        self.assertEqual(owners, len(pids))
        # One of those that take connections, not the parent that only keeps the socket.
        self.assertEqual(labels["pid"], str(min(workers)))
        self.assertEqual(labels["listener"], f"127.0.0.1:{port}")

    def test_how_long_the_queue_takes_to_drain(self):
        target = self.node(NODE, "slow_server.js")
        port = json.loads(target.ask("port").group(0))["port"]
        loopscope = self.loopscope("--pid", target.pid)
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        name = "eventloop_backlog_drain_seconds"
        empty = loopscope.wait_metrics(lambda m: m.samples(name), 10, "listener")
        self.assertEqual(empty.value(name, pid=target.pid), 0)
        self.connect_many(port, 400)
        told = loopscope.wait_metrics(lambda m: m.sum(name) > 0, 6, "a time to drain")
        begin = time.monotonic()
        depth = "eventloop_backlog_connections"
        loopscope.wait_metrics(lambda m: m.sum(depth) == 0, 40, "drained queue")
        self.assert_close(
            told.value(name, pid=target.pid), time.monotonic() - begin, "time to drain",
            relative=0.3, absolute=0.5,
        )

    def check_doctor(self, binary, target):
        doctor = subprocess.run(
            [binary, "doctor", "--pid", str(target.pid)],
            user=env.UNPRIVILEGED_UID,
            group=env.UNPRIVILEGED_UID,
            extra_groups=[],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        text = doctor.stdout + doctor.stderr
        self.assertIn(str(target.pid), text)
        self.assertRegex(text, r"(?i)ptrace|CAP_SYS_PTRACE")

    def test_doctor_with_all_rights(self):
        target, _ = self.start_target()
        doctor = subprocess.run(
            [env.loopscope(), "doctor", "--pid", str(target.pid)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        self.assertEqual(doctor.returncode, 0, doctor.stdout + doctor.stderr)
        self.assertIn("uv_stack", doctor.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
