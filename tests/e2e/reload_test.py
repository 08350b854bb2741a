#!/usr/bin/env python3
"""A changed config is applied without losing what was counted for targets that stay."""

import os
import signal
import time
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

    def test_by_itself(self):
        self.check_reload(lambda loopscope: None)

    def test_by_itself_from_a_volume_of_kubernetes(self):
        # A link to a link in a directory that is swapped, and files dated back.
        folder = self.temporary_directory()
        self.path = folder / "loopscope.yaml"

        def swap(version, name):
            (folder / version).mkdir()
            file = folder / version / "loopscope.yaml"
            file.write_text(
                f"targets: [{{pid: {self.stays.pid}, name: {name}}}]\n", encoding="utf-8"
            )
            os.utime(file, (1_000_000_000, 1_000_000_000))
            (folder / "..data_tmp").symlink_to(version)
            os.rename(folder / "..data_tmp", folder / "..data")

        swap("..1", "first")
        self.path.symlink_to("..data/loopscope.yaml")
        loopscope = self.loopscope("--config", self.path)
        loopscope.wait_for_loop(self.stays.pid)
        swap("..2", "other")
        wait_until(
            lambda: [loop["process"] for loop in loopscope.loops(self.stays.pid)] == ["other"],
            15, "the new name",
        )  # fmt: skip

    def test_by_itself_only_for_other_content_and_once(self):
        loopscope = self.start()
        self.write([(self.stays.pid, "first")])  # as it was
        time.sleep(5)
        self.assertNotIn("reload", loopscope.text())
        self.path.write_text("stal_threshold: 1s\n", encoding="utf-8")
        loopscope.wait_line("reload refused, .*stal_threshold", stream="stderr")
        time.sleep(5)
        self.assertEqual(loopscope.text().count("reload"), 1)
        self.assertEqual(len(loopscope.loops(self.stays.pid)), 1)
        self.path.unlink()
        loopscope.wait_line("reload refused, .*No such file", stream="stderr")
        self.assertEqual(len(loopscope.loops(self.stays.pid)), 1)
        self.write([(self.stays.pid, "other")])
        loopscope.wait_line("configuration reloaded", stream="stderr")

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
