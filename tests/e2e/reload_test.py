#!/usr/bin/env python3
"""A changed config is applied without losing what was counted for targets that stay."""

import signal
import unittest

from harness.case import EndToEndCase
from harness.polling import wait_until
from harness.stalls import LoopFigures, growth

NODE = "22"


class ReloadTest(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.path = self.temporary_directory() / "loopscope.yaml"
        self.stays = self.node(NODE, "phase_stalls.js")
        self.comes = self.node(NODE, "idle_server.js")

    def write(self, targets, threshold="50ms"):
        lines = [f"stall_threshold: {threshold}", "targets:"]
        lines += [f"  - {{pid: {pid}, name: {name}}}" for pid, name in targets]
        self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def start(self):
        self.write([(self.stays.pid, "first")])
        loopscope = self.loopscope("--config", self.path)
        loopscope.wait_for_loop(self.stays.pid, source="uv_stack")
        self.stays.ask("go 5 1")
        wait_until(lambda: self.stalls(loopscope) >= 5, 5, "five stalls")
        return loopscope

    def stalls(self, loopscope):
        return loopscope.scrape().sum("eventloop_stalls_total", pid=self.stays.pid)

    def check_reload(self, reload):
        loopscope = self.start()
        before_scrape = loopscope.scrape()
        before = LoopFigures(before_scrape, self.stays.pid)
        self.assertEqual(loopscope.loops(self.comes.pid), [])

        self.write([(self.stays.pid, "first"), (self.comes.pid, "second")], threshold="10s")
        reload(loopscope)
        loopscope.wait_for_loop(self.comes.pid, source="uv_stack")
        self.assertEqual(loopscope.loops(self.comes.pid)[0]["process"], "second")
        after_scrape = loopscope.scrape()
        counters = after_scrape.counters()
        for key, value in before_scrape.counters().items():
            self.assertGreaterEqual(counters.get(key, -1), value, f"{key} was lost or went down")

        # The new threshold holds: these are no stalls any more.
        self.stays.ask("go 5 2")
        after = LoopFigures(loopscope.scrape(), self.stays.pid)
        self.assertEqual(growth(before.stalls, after.stalls), {})
        self.assertGreater(after.states["active"], before.states["active"] + 0.3)

        # A target taken out of the config goes with its series.
        self.write([(self.stays.pid, "first")])
        reload(loopscope)
        wait_until(lambda: not loopscope.loops(self.comes.pid), 10, "end of the second target")
        self.assertGreaterEqual(self.stalls(loopscope), 5)
        return loopscope

    def test_by_signal(self):
        self.check_reload(lambda loopscope: loopscope.signal(signal.SIGHUP))

    def test_by_post(self):
        def post(loopscope):
            response = loopscope.http.request("/-/reload", method="POST")
            self.assertEqual(response.status, 200, response.text)

        self.check_reload(post)

    def test_a_broken_config_changes_nothing(self):
        loopscope = self.start()
        before = loopscope.scrape().counters()
        self.path.write_text("stal_threshold: 1s\n", encoding="utf-8")
        response = loopscope.http.request("/-/reload", method="POST")
        self.assertGreaterEqual(response.status, 400)
        self.assertIn("stal_threshold", response.text)
        loopscope.signal(signal.SIGHUP)
        loopscope.wait_line("stal_threshold", stream="stderr")
        self.assertTrue(loopscope.running())
        after = loopscope.scrape().counters()
        for key, value in before.items():
            self.assertGreaterEqual(after.get(key, -1), value, f"{key} was lost or went down")


if __name__ == "__main__":
    unittest.main(verbosity=2)
