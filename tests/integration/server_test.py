"""loopscope-server: its routes, limits, metrics, cluster mode and shutdown."""

import concurrent.futures
import json
import os
import re
import resource
import signal
import subprocess
import tempfile
import time
import unittest

from server_process import DEADLINE, SERVER, Server, receive_all, wait_for

PHASES = ["timers", "pending", "idle_prepare", "poll", "check", "closing"]


class RoutesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def test_hello(self):
        status, headers, body = self.server.get("/")
        self.assertEqual(status, 200)
        self.assertIn("/compute", body)
        self.assertEqual(int(headers["Content-Length"]), len(body))

    def test_head_has_no_body(self):
        status, headers, body = self.server.get("/", "HEAD")
        self.assertEqual((status, body), (200, ""))
        self.assertGreater(int(headers["Content-Length"]), 0)

    def test_unknown_path_and_method(self):
        self.assertEqual(self.server.get("/nowhere")[0], 404)
        status, headers, _ = self.server.get("/", "POST", "x=1")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))

    def test_bad_parameters(self):
        for path in ["/compute", "/compute?ms=", "/compute?ms=-1", "/compute?ms=60001",
                     "/compute?ms=1.5", "/compute?ms=99999999999999999999",
                     "/compute?ms=1&strategy=magic", "/block?ms=1", "/block?phase=poll_wait&ms=1",
                     "/block?phase=poll", "/block?phase=poll&ms=1&mode=dream", "/%zz"]:
            with self.subTest(path):
                status, answer = self.server.get_json(path)
                self.assertEqual(status, 400)
                self.assertTrue(answer["error"])

    def test_inline_thread_and_process(self):
        for strategy in ["inline", "thread", "process"]:
            with self.subTest(strategy):
                status, answer = self.server.get_json(f"/compute?ms=20&strategy={strategy}")
                self.assertEqual(status, 200)
                self.assertEqual(answer["strategy"], strategy)
                self.assertGreaterEqual(answer["ended_ns"] - answer["started_ns"], 20_000_000)

    def test_queue(self):
        status, headers, body = self.server.get("/compute?ms=30&strategy=queue")
        self.assertEqual(status, 202)
        job = headers["Location"]
        self.assertEqual(json.loads(body)["location"], job)
        wait_for(lambda: self.server.get_json(job)[1]["state"] == "done")
        for path in ["/jobs/", "/jobs/999999", "/jobs/x", "/jobs/18446744073709551616"]:
            self.assertEqual(self.server.get(path)[0], 404)

    def test_block_in_every_phase(self):
        for phase in PHASES:
            for mode in ["spin", "sleep"]:
                with self.subTest(phase=phase, mode=mode):
                    before = self.server.metric("eventloop_stalls_total", phase=phase)
                    everywhere = self.server.metric("eventloop_stalls_total")
                    status, answer = self.server.get_json(f"/block?phase={phase}&ms=120&mode={mode}")
                    self.assertEqual((status, answer["phase"], answer["ms"]), (200, phase, 120))
                    self.assertGreaterEqual(answer["ended_ns"] - answer["started_ns"], 120_000_000)
                    wait_for(lambda: self.server.metric("eventloop_blocked_seconds") == 0)
                    self.assertEqual(self.server.metric("eventloop_stalls_total", phase=phase), before + 1)
                    self.assertEqual(self.server.metric("eventloop_stalls_total"), everywhere + 1)

    def test_several_blocks_at_once(self):
        paths = [f"/block?phase={phase}&ms=5" for phase in PHASES * 3]
        with concurrent.futures.ThreadPoolExecutor(len(paths)) as pool:
            answers = list(pool.map(self.server.get_json, paths))
        self.assertEqual([status for status, _ in answers], [200] * len(paths))

    def test_metrics_answer_while_the_loop_is_blocked(self):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            blocked = pool.submit(self.server.get, "/compute?ms=1500&strategy=inline")
            wait_for(lambda: self.server.metric("eventloop_blocked_seconds") > 0.3)
            self.assertFalse(blocked.done())
            self.assertGreater(self.server.metric("eventloop_lag_max_seconds"), 0.3)
            self.assertEqual(blocked.result()[0], 200)


class ProtocolTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def exchange(self, data):
        with self.server.connect() as connection:
            connection.sendall(data)
            return receive_all(connection).decode()

    def test_pipelined_requests_are_answered_in_order(self):
        requests = b"".join(b"GET /compute?ms=%d&strategy=thread HTTP/1.1\r\nHost: x\r\n\r\n" % ms
                            for ms in (30, 1, 2))
        answer = self.exchange(requests + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertEqual(re.findall(r'"ms":(\d+)', answer), ["30", "1", "2"])
        self.assertEqual(answer.count("HTTP/1.1 200 OK"), 4)
        self.assertEqual(answer.count("Connection: keep-alive"), 3)

    def test_many_pipelined_requests(self):
        answer = self.exchange(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2000
                               + b"GET / HTTP/1.0\r\n\r\n")
        self.assertEqual(answer.count(" 200 OK"), 2001)

    def test_http_1_0(self):
        answer = self.exchange(b"GET / HTTP/1.0\r\n\r\n")
        self.assertTrue(answer.startswith("HTTP/1.0 200 OK\r\n"))
        self.assertIn("Connection: close", answer)
        kept = self.exchange(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
                             b"GET / HTTP/1.0\r\n\r\n")
        self.assertEqual(kept.count("200 OK"), 2)

    def test_bodies_are_ignored(self):
        answer = self.exchange(
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
            b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertEqual(answer.count("200 OK"), 3)

    def test_half_closed_client_gets_its_answer(self):
        with self.server.connect() as connection:
            connection.sendall(b"GET /compute?ms=50&strategy=thread HTTP/1.0\r\n\r\n")
            connection.shutdown(1)
            self.assertIn("200 OK", receive_all(connection).decode())

    def test_byte_by_byte(self):
        with self.server.connect() as connection:
            for byte in b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":
                connection.sendall(bytes([byte]))
            self.assertIn("200 OK", receive_all(connection).decode())

    def test_upgrade_is_not_taken_up(self):
        answer = self.exchange(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                               b"Upgrade: h2c\r\n\r\n")
        self.assertIn("HTTP/1.1 200 OK", answer)
        self.assertIn("Connection: close", answer)

    def test_refusals(self):
        cases = {
            b"hello\r\n\r\n": 400,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03": 400,
            b"GET / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n": 400,
            b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n\r\n": 414,
            b"GET / HTTP/1.1\r\nX: " + b"a" * 20000 + b"\r\n\r\n": 431,
            b"GET / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n": 413,
            b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n": 400,
        }
        for data, status in cases.items():
            with self.subTest(data[:40]):
                answer = self.exchange(data)
                self.assertTrue(answer.startswith(f"HTTP/1.1 {status} "), answer[:80])
                self.assertIn("Connection: close", answer)

    def test_aborted_clients_leave_nothing(self):
        fds = f"/proc/{self.server.process.pid}/fd"
        wait_for(lambda: self.server.get("/")[0] == 200)
        before = len(os.listdir(fds))
        for _ in range(50):
            with self.server.connect() as connection:
                connection.sendall(b"GET /compute?ms=1&strategy=thread HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_for(lambda: len(os.listdir(fds)) <= before)


class LimitsTest(unittest.TestCase):
    def test_job_queue_refuses_beyond_its_length(self):
        with Server() as server:
            statuses = [server.get("/compute?ms=60000&strategy=queue")[0] for _ in range(110)]
            self.assertEqual(statuses.count(202), 102)
            self.assertEqual(statuses[102:], [429] * 8)
            self.assertEqual(server.stop(), 0)

    def test_too_many_connections(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        with Server() as server:
            connections = [server.connect() for _ in range(1024)]
            try:
                with server.connect() as one_more:
                    self.assertIn("503", receive_all(one_more).decode())
            finally:
                for connection in connections:
                    connection.close()
            wait_for(lambda: server.get("/")[0] == 200)


class ShutdownTest(unittest.TestCase):
    def test_idle_connections_are_closed_and_work_is_finished(self):
        for number in [signal.SIGTERM, signal.SIGINT]:
            with Server() as server, server.connect() as idle, server.connect() as busy:
                idle.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertIn(b"200 OK", idle.recv(65536))
                busy.sendall(b"GET /compute?ms=500&strategy=thread HTTP/1.1\r\nHost: x\r\n\r\n")
                time.sleep(0.1)  # any moment within the 500 ms will do
                server.process.send_signal(number)
                answer = receive_all(busy).decode()
                self.assertIn("200 OK", answer)
                self.assertIn("Connection: close", answer)
                self.assertEqual(receive_all(idle), b"")
                self.assertEqual(server.process.wait(DEADLINE), 0)

    def test_grace_ends_after_five_seconds(self):
        with Server() as server, server.connect() as busy:
            busy.sendall(b"GET /compute?ms=60000&strategy=process HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.2)
            started = time.monotonic()
            self.assertEqual(server.stop(), 0)
            self.assertLess(time.monotonic() - started, 15)


class CommandLineTest(unittest.TestCase):
    def run_server(self, *arguments):
        return subprocess.run([SERVER, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=DEADLINE)

    def test_help_and_version(self):
        self.assertIn("--cluster", self.run_server("--help").stdout)
        self.assertRegex(self.run_server("--version").stdout, r"loopscope-server \d+\.\d+")

    def test_usage_errors(self):
        for arguments in [["--nonsense"], ["--listen", "nowhere"], ["--cluster", "-1"],
                          ["--cluster", "1000"], ["--metrics-listen", "127.0.0.1:99999"],
                          ["--config", "/nonexistent"]]:
            with self.subTest(arguments):
                result = self.run_server(*arguments)
                self.assertEqual(result.returncode, 2)
                self.assertTrue(result.stderr)

    def test_bad_config_is_named_with_its_place(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
            config.write("listen: 127.0.0.1:0\nclutser: 3\n")
            config.flush()
            result = self.run_server("--config", config.name)
            self.assertEqual(result.returncode, 2)
            self.assertIn(f"{config.name}:2:1: unknown key", result.stderr)
            self.assertIn("cluster", result.stderr)

    def test_port_in_use(self):
        with Server() as server:
            for option in ["--listen", "--metrics-listen"]:
                other = "--metrics-listen" if option == "--listen" else "--listen"
                result = self.run_server(option, f"127.0.0.1:{server.port}", other, "127.0.0.1:0")
                self.assertEqual(result.returncode, 1)
                self.assertIn(f"127.0.0.1:{server.port}", result.stderr)


def has_ended(pid):
    """Gone, or a zombie whose new parent has not looked yet."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


class ClusterTest(unittest.TestCase):
    def workers(self, server):
        pids = re.findall(r'^eventloop_process_info\{.*pid="(\d+)"', server.metrics(), re.M)
        return sorted(int(pid) for pid in pids)

    def test_metrics_show_all_workers_and_crashed_ones_come_back(self):
        with Server("--cluster", "3") as server:
            first = wait_for(lambda: len(self.workers(server)) == 3 and self.workers(server))
            text = server.metrics()
            names = re.findall(r"^# TYPE (\S+)", text, re.M)
            self.assertEqual(len(names), len(set(names)))
            self.assertEqual(server.metric("loopscope_source_success"), 3)
            self.assertEqual(set(re.findall(r'^eventloop_info\{.*loop="([^"]+)"', text, re.M)),
                             {"worker-1", "worker-2", "worker-3"})
            os.kill(first[0], signal.SIGKILL)
            again = wait_for(lambda: len(self.workers(server)) == 3
                             and first[0] not in self.workers(server) and self.workers(server))
            self.assertEqual(len(set(first) & set(again)), 2)
            self.assertEqual(server.get("/")[0], 200)
            self.assertEqual(server.stop(), 0)
            for pid in again:
                self.assertFalse(os.path.exists(f"/proc/{pid}"))

    def test_one_blocked_worker_does_not_stop_the_service(self):
        with Server("--cluster", "2") as server:
            wait_for(lambda: len(self.workers(server)) == 2)
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                blocked = pool.submit(server.get, "/compute?ms=2000&strategy=inline")
                wait_for(lambda: server.metric("eventloop_blocked_seconds") > 0.2)
                for _ in range(10):
                    self.assertEqual(server.get("/")[0], 200)
                self.assertFalse(blocked.done())
                self.assertEqual(blocked.result()[0], 200)

    def test_workers_end_with_their_supervisor(self):
        with Server("--cluster", "2") as server:
            workers = wait_for(lambda: len(self.workers(server)) == 2 and self.workers(server))
            server.process.kill()
            server.process.wait()
            for pid in workers:
                wait_for(lambda: has_ended(pid))


if __name__ == "__main__":
    unittest.main(verbosity=2)
