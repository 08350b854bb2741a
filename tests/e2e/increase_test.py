#!/usr/bin/env python3
"""increase() under real Prometheus: what a program that is restarted again and again lost."""

import os
import re
import shutil
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.polling import wait_until
from harness.scraper import Scraper

NODE = "22"
RESTARTS = 5
STALL_MS = 700


def readme_query():
    """"Who blocks it?", as the README asks it."""
    text = (env.REPO_DIR / "README.md").read_text(encoding="utf-8")
    return re.search(r"^\| Who blocks it\? \| `(.+)` \|$", text, re.M).group(1)


class IncreaseTest(EndToEndCase):
    def test_stalls_of_restarts_add_up(self):
        folder = self.temporary_directory()
        script = folder / f"restarted-{os.getpid()}.js"
        shutil.copy(env.WORKLOADS / "identity" / "named.js", script)
        loopscope = self.loopscope("--name", script.name)
        exporter = f"127.0.0.1:{loopscope.port}"
        # Two behind one address are not to be told apart.
        scrapers = [self.adopt(Scraper(folder / name, exporter)) for name in ("one", "two")]
        for scraper in scrapers:
            wait_until(lambda it=scraper: it.query("loopscope_targets"), 20, "first scrape")
        for _ in range(RESTARTS):
            child = self.spawn(env.node(NODE), script)
            child.wait_line("^ready")
            loopscope.wait_for_loop(child.pid, source="uv_stack")
            child.send(f"block {STALL_MS}")
            child.wait_line("^blocked")
            loopscope.wait_metrics(
                lambda m: m.value("eventloop_blocked_seconds", process=script.name) == 0,
                10, "end of the stall",
            )
            child.kill()
            wait_until(lambda: not loopscope.loops(), 10, "end of its loop")
        # The last one's is shown by whoever comes next.
        child = self.spawn(env.node(NODE), script)
        loopscope.wait_for_loop(child.pid)
        truth = RESTARTS * STALL_MS / 1000
        shown = loopscope.scrape().sum(
            "eventloop_stall_culprit_seconds_total", function="stallHere"
        )
        self.assert_close(shown, truth, "the counter itself", relative=0.1)
        for scraper in scrapers:
            # increase() goes on past the last sample, by up to 1.1 of their distances: a sixth
            # of a series as short as this. At the last sample itself there is nothing to go on to.
            def seen(it=scraper):
                last = it.query(
                    'timestamp(eventloop_stall_culprit_seconds_total{function="stallHere"})'
                )
                if not last:
                    return None
                rows = [v for have, v in it.query(readme_query(), time=last[0][1])
                        if have.get("function") == "stallHere"]
                return sum(rows) if rows and sum(rows) > 0.9 * truth else None

            grown = wait_until(seen, 15, f"{truth} s in {scraper.name}")
            print(f"{scraper.name}: {grown:.3f} s of {truth} s")
            self.assert_close(grown, truth, "increase of stallHere", relative=0.1)
            series = scraper.query("count_over_time(eventloop_blocked_seconds[1h])")
            self.assertEqual(len(series), 1, "one series for all of them")


if __name__ == "__main__":
    unittest.main(verbosity=2)
