#!/usr/bin/env python3
"""Programs whose threads hand polling to each other are no event loops: no loop, no stall,
and the log says once that they were left out and why. Threads that turn are loops.

--long: a minute, and beside the Go programs a JVM and tokio (needs java and cargo)."""

import argparse
import json
import shutil
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

from harness import env
from harness.build import compile_program
from harness.case import EndToEndCase
from harness.child import Child
from harness.http_client import HttpClient
from harness.line_client import LineClient

SECONDS = 8.0
TOKIO = None  # built by --long
JAVA = False


class NoLoopTest(EndToEndCase):
    def prometheus(self, directory):
        directory.mkdir()
        (directory / "prometheus.yml").write_text("{}")
        child = self.spawn(
            env.tool("prometheus"), f"--config.file={directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={directory / 'data'}", "--web.listen-address=127.0.0.1:0",
        )
        line = r"Listening on.* address=127\.0\.0\.1:(\d+)"
        return child, int(child.wait_line(line, stream="stderr").group(1))

    def alertmanager(self, directory):
        directory.mkdir()
        config = directory / "alertmanager.yml"
        config.write_text(json.dumps({"route": {"receiver": "x"}, "receivers": [{"name": "x"}]}))
        child = self.spawn(
            env.tool("prometheus-alertmanager"), f"--config.file={config}",
            f"--storage.path={directory / 'data'}", "--web.listen-address=127.0.0.1:0",
            "--cluster.listen-address=",
        )
        child.wait_line(r"Listening on", stream="stderr")
        return child

    def watch(self, scope, children, seconds, ask=(), lines=()):
        """Looks at the loops for so long; fails if one of these processes has one."""
        pids = {child.pid: child.name for child in children}
        clients = [HttpClient("127.0.0.1", port) for port in ask]
        for client in clients:
            self.addCleanup(client.close)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for client in clients:
                client.get("/metrics")
            for client in lines:
                client.ask("60")  # one request at a time: its poller never changes
            seen = [label for label in scope.loops() if int(label["pid"]) in pids]
            self.assertEqual(seen, [], pids)
            time.sleep(0.02)
        stalls = [s for s in scope.json("/api/v1/stalls?limit=1000") if s["pid"] in pids]
        self.assertEqual(stalls, [])

    def left_out(self, scope, child):
        return [
            line for line in scope.lines("stderr")
            if "left out" in line and f" pid {child.pid} " in line.replace(",", " ")
        ]

    def test_go_programs_beside_an_unselective_run(self):
        directory = self.temporary_directory()
        busy, port = self.prometheus(directory / "busy")
        idle, _ = self.prometheus(directory / "idle")
        asked = []
        programs = [busy, idle, self.alertmanager(directory / "alertmanager")]
        if TOKIO:
            programs += [self.spawn(TOKIO), self.spawn(TOKIO, "mine")]
            for child in programs[-2:]:
                client = LineClient(int(child.wait_line(r"^PORT (\d+)").group(1)))
                self.addCleanup(client.close)
                asked.append(client)
        if JAVA:
            shutil.copy(env.WORKLOADS / "Pool.java", directory)
            programs.append(self.spawn("java", directory / "Pool.java"))
            programs[-1].wait_line("^PORT", timeout=60)
        scope = self.loopscope()
        self.watch(scope, programs, SECONDS, ask=[port], lines=asked)
        for child in programs:
            self.assertEqual(len(self.left_out(scope, child)), 1, child.name)
        self.assertRegex(self.left_out(scope, busy)[0], "Go programs hand polling")

    def test_one_that_is_named_is_skipped_with_the_reason(self):
        program, _ = self.prometheus(self.temporary_directory() / "named")
        scope = self.loopscope("--pid", program.pid)
        scope.wait_line("no event loop: Go programs hand polling", stream="stderr")
        self.watch(scope, [program], 1)

    def pool(self, *arguments):
        binary = compile_program(self.temporary_directory(), "handing_pool.c", "-pthread")
        child = self.spawn(binary, *arguments, name="handing_pool")
        child.wait_line("^ready")
        return child

    def test_a_pool_that_hands_over_at_each_event(self):
        pool = self.pool(20, 1)
        scope = self.loopscope("--pid", pool.pid)
        self.watch(scope, [pool], 5)
        scope.wait_line("several of its threads poll one epoll", stream="stderr")

    def test_a_poller_that_turns_for_long_and_then_sleeps_in_a_futex(self):
        # Two seconds of turns, so that it is taken for a loop, then four seconds of sleep.
        pool = self.pool(20, 100)
        scope = self.loopscope("--pid", pool.pid)
        scope.wait_line("several of its threads poll one epoll", stream="stderr", timeout=20)
        time.sleep(1)
        self.assertEqual(scope.loops(pool.pid), [])
        self.assertEqual(scope.json("/api/v1/stalls?limit=10"), [])

    def test_the_loop_of_a_program_with_other_threads_is_seen_once_it_turns(self):
        threads = "import threading,time; [threading.Thread(target=threading.Event().wait).start()" \
                  " for _ in range(3)]; time.sleep(0.1)"
        # Under another name, so that nothing is known of it but what its threads do.
        python = self.temporary_directory() / "server"
        shutil.copy(Path(sys.executable).resolve(), python)
        script = env.WORKLOADS / "epoll_server.py"
        child = self.adopt(Child(
            [python, "-c", f"{threads}; exec(open({str(script)!r}).read())"], name="server"))
        port = json.loads(child.wait_line(r"^ready (.*)$").group(1))["port"]
        scope = self.loopscope("--pid", child.pid)
        scope.wait_line("not judged yet: thread", stream="stderr")
        self.assertEqual(scope.loops(child.pid), [])
        # It waits, so nothing of it is missing; the doubt is told, and alerts nobody.
        self.assertEqual(scope.scrape().value("loopscope_source_success", source="procfs"), 1)
        [source] = [source for source in scope.json("/api/v1/loops")["sources"]
                    if source["source"] == "procfs"]
        self.assertIn("not judged yet: thread", source["reason"])
        client = LineClient(port)
        self.addCleanup(client.close)
        for _ in range(20):
            client.ask("1")
            time.sleep(0.05)
        scope.wait_for_loop(child.pid, source="procfs")
        client.ask("300")
        figures = scope.wait_metrics(
            lambda m: m.sum("eventloop_stalls_total", pid=child.pid) >= 1, 10, "the stall")
        self.assertEqual(figures.sum("eventloop_stalls_total", pid=child.pid), 1)

    def marked(self, section):
        binary = compile_program(
            self.temporary_directory(), "marked_loop.c", "-rdynamic", f'-DSECTION="{section}"')
        child = self.spawn(binary)
        child.wait_line("^ready")
        return child, self.loopscope("--pid", child.pid)

    def test_a_compiled_bun_is_known_and_has_no_libuv(self):
        child, scope = self.marked("__DATA,__jsc_opcodes")
        info = scope.wait_for_loop(child.pid, source="procfs")
        self.assertEqual(info["runtime"], "bun")
        self.assertEqual(scope.scrape().value("loopscope_source_success", source="uv_stack"), 1)

    def test_a_loop_that_is_blocked_from_the_beginning_is_named_and_taken_in_later(self):
        target = self.spawn(sys.executable, env.WORKLOADS / "epoll_server.py")
        client = LineClient(json.loads(target.wait_line(r"^ready (.*)$").group(1))["port"])
        self.addCleanup(client.close)
        worker = threading.Thread(target=client.ask, args=("5000",))
        worker.start()
        time.sleep(0.3)
        scope = self.loopscope("--pid", target.pid)
        scope.wait_line("not judged yet: it has an epoll descriptor", stream="stderr")
        self.assertEqual(scope.scrape().value("loopscope_source_success", source="procfs"), 0)
        self.assertEqual(scope.loops(target.pid), [])
        self.assertTrue(worker.is_alive(), "still blocked")
        stack = subprocess.run([env.loopscope(), "stack", str(target.pid)],
                               capture_output=True, text=True, check=False)
        self.assertRegex(stack.stdout, rf"main thread \(tid {target.pid}\): running\n")
        self.assertIn("runs no event loop that can be seen", stack.stderr)
        worker.join()
        scope.wait_for_loop(target.pid, source="procfs")
        self.assertEqual(scope.scrape().value("loopscope_source_success", source="procfs"), 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--long", action="store_true", help="a minute, with tokio and a JVM")
    options, rest = parser.parse_known_args()
    if options.long:
        SECONDS = 60.0
        JAVA = True
        directory = Path(env.WORKLOADS) / "tokio_server"
        build = env.REPO_DIR / "build" / "tokio_server"
        subprocess.run(["cargo", "build", "--release", "--target-dir", build],
                       cwd=directory, check=True)
        TOKIO = build / "release" / "tokio_server"
    unittest.main(verbosity=2, argv=[sys.argv[0], *rest])
