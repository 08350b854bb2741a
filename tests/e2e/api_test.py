#!/usr/bin/env python3
"""The JSON API, the health endpoints and the page, next to a real target."""

import datetime
import json
import os
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.polling import wait_until

NODE = "22"


class ApiTest(EndToEndCase):
    def stalled_node(self):
        target = self.node(NODE, "phase_stalls.js")
        loopscope = self.loopscope("--pid", target.pid)
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        self.baseline = len(loopscope.json("/api/v1/stalls?limit=100"))
        truth = json.loads(target.ask("go 5 1").group(0))
        return target, loopscope, truth

    def test_stalls(self):
        target, loopscope, truth = self.stalled_node()

        def all_recorded():
            records = loopscope.json("/api/v1/stalls?limit=100")
            return records if len(records) - self.baseline == 5 else None

        records = wait_until(all_recorded, 5, "five stall records")[:5]
        self.assertEqual(
            sorted(record["phase"] for record in records), sorted(truth), "a stall per phase"
        )
        starts = [datetime.datetime.fromisoformat(record["started_at"]) for record in records]
        self.assertEqual(starts, sorted(starts, reverse=True), "newest first")
        for record in records:
            self.assertEqual(record["pid"], target.pid)
            self.assertEqual(record["loop"], "main")
            self.assertFalse(record["in_progress"])
            true_seconds = truth[record["phase"]]["ns"] / 1e9
            self.assert_close(record["duration_seconds"], true_seconds, "duration", 0.05, 0.01)
            self.assert_close(
                sum(record["causes"].values()), record["duration_seconds"], "causes", 0.01, 0.002
            )
            self.assertEqual(record["cause"], "cpu")
            self.assertIsInstance(record["stack"], list)
        self.assertEqual(len(loopscope.json("/api/v1/stalls?limit=2")), 2)

    def test_loops(self):
        target, loopscope, _ = self.stalled_node()
        loops = loopscope.json("/api/v1/loops")["loops"]
        self.assertEqual([loop["pid"] for loop in loops], [target.pid])

    def test_bad_requests(self):
        _, loopscope, _ = self.stalled_node()
        for path in ("/api/v1/stalls?limit=-1", "/api/v1/stalls?limit=x"):
            self.assertEqual(loopscope.http.get(path).status, 400, path)
        self.assertEqual(loopscope.http.get("/nothing-here").status, 404)
        self.assertEqual(loopscope.http.request("/metrics", method="DELETE").status, 405)
        self.assertEqual(loopscope.http.get("/-/reload").status, 405, "a reload is a POST")

    def test_health(self):
        directory = self.temporary_directory()
        name = f"ls-ready-{os.getpid()}"
        (directory / name).symlink_to(env.node(NODE))
        loopscope = self.loopscope("--name", f"^{name}$")
        self.assertEqual(loopscope.http.get("/-/healthy").status, 200)
        self.assertEqual(loopscope.http.get("/-/ready").status, 503, "no target yet")
        self.spawn(directory / name, env.WORKLOADS / "idle_server.js")
        wait_until(lambda: loopscope.http.get("/-/ready").status == 200, 15, "readiness")
        page = loopscope.http.get("/")
        self.assertEqual(page.status, 200)
        self.assertTrue(page.headers["content-type"].startswith("text/html"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
