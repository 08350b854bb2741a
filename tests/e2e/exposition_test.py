#!/usr/bin/env python3
"""What a Prometheus server is given: accepted by promtool, with the right headers."""

import gzip
import subprocess
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.http_client import HttpClient
from harness.prometheus import Metrics
from harness.server import LoopscopeServer

NODE = "22"


class ExpositionTest(EndToEndCase):
    def check_with_promtool(self, text):
        done = subprocess.run(
            [env.tool("promtool"), "check", "metrics"],
            input=text,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout + done.stderr, "")

    def blocked_node(self):
        """A Node that has stalled, so that every family has samples."""
        target = self.node(NODE, "phase_stalls.js")
        loopscope = self.loopscope("--pid", target.pid)
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        target.ask("go 5 1")
        return loopscope

    def test_node_seen_from_outside(self):
        loopscope = self.blocked_node()
        response = loopscope.http.get("/metrics")
        self.check_with_promtool(response.text)
        self.assertTrue(Metrics(response.text).samples("eventloop_stalls_total"))
        self.assertEqual(
            response.headers["content-type"].replace(" ", "").split(";")[:2],
            ["text/plain", "version=0.0.4"],
        )

    def test_server_from_inside_and_outside(self):
        server = self.adopt(LoopscopeServer())
        server.block("timers", 80)
        inside = HttpClient("127.0.0.1", server.metrics_port)
        self.addCleanup(inside.close)
        text = inside.get("/metrics").text
        self.check_with_promtool(text)
        self.assertTrue(Metrics(text).samples("eventloop_iteration_duration_seconds_count"))
        self.assertEqual(
            {labels["source"] for labels, _ in Metrics(text).samples("eventloop_info")},
            {"library"},
        )
        loopscope = self.loopscope("--pid", server.pid)
        loopscope.wait_for_loop(server.pid)
        self.check_with_promtool(loopscope.http.get("/metrics").text)

    def test_gzip(self):
        loopscope = self.blocked_node()
        response = loopscope.http.get("/metrics", {"Accept-Encoding": "gzip"})
        self.assertEqual(response.headers.get("content-encoding"), "gzip")
        unpacked = gzip.decompress(response.body).decode()
        self.assertTrue(Metrics(unpacked).samples("eventloop_info"))
        self.assertLess(len(response.body), len(unpacked) / 2)

    def test_openmetrics_when_asked_for(self):
        loopscope = self.blocked_node()
        accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
        response = loopscope.http.get("/metrics", {"Accept": accept})
        self.assertTrue(
            response.headers["content-type"].startswith("application/openmetrics-text")
        )
        self.assertTrue(response.text.endswith("# EOF\n"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
