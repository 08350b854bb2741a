#!/usr/bin/env python3
"""The culprits' workload tells the truth: V8's own profiler finds the time where it says."""

import json
import unittest

from harness.case import EndToEndCase
from harness.culprits import start_culprits

NODE = "22"
TIMES = 3
MIN_MS, MAX_MS = 60, 100
# Share of the time that may be missing. The profiler does not say for whom the collector ran.
ALLOWED = {"gc_storm": 0.5}
ALLOWED_ELSE = 0.15
# Every sample of the profiler is a signal to the thread: its own work is not the workload's.
INTERVAL_US = 1000


class Profile:
    """A .cpuprofile: seconds by the innermost function that has a file of its own."""

    def __init__(self, path):
        data = json.loads(path.read_text(encoding="utf-8"))
        self._nodes = {node["id"]: node for node in data["nodes"]}
        self._parents = {
            child: node["id"] for node in data["nodes"] for child in node.get("children", ())
        }
        self._places = {}
        self.seconds = {}
        place = None
        # A delta is the time since the sample before: it belongs to that one.
        for sample, delta in zip(data["samples"], data["timeDeltas"][1:]):
            # The collector has no caller in a profile: it runs for whom ran before it.
            if not self._is_gc(sample):
                place = self._innermost(sample)
            self.seconds[place] = self.seconds.get(place, 0.0) + max(0, delta) / 1e6

    def _is_gc(self, identifier):
        name = self._nodes[identifier]["callFrame"]["functionName"]
        return name == "(garbage collector)"

    def _innermost(self, identifier):
        if identifier not in self._places:
            frame = self._nodes[identifier]["callFrame"]
            url = frame["url"].removeprefix("file://")
            if url.startswith("/"):
                place = (frame["functionName"], url, frame["lineNumber"] + 1)
            elif identifier in self._parents:
                place = self._innermost(self._parents[identifier])
            else:
                place = None
            self._places[identifier] = place
        return self._places[identifier]


class CulpritTruthTest(EndToEndCase):
    def run_all(self, directory):
        """Seconds that every kind says it blocked, and the kinds themselves."""
        target = start_culprits(
            self,
            NODE,
            arguments=(
                "--cpu-prof",
                f"--cpu-prof-dir={directory}",
                f"--cpu-prof-interval={INTERVAL_US}",
            ),
        )
        told = {}
        for name in target.kinds:
            blocks = target.run(name, TIMES, MIN_MS, MAX_MS, gap_ms=5)
            told[name] = sum(block.seconds for block in blocks)
            for block in blocks:
                self.assertGreater(block.seconds, MIN_MS / 1000 - 0.01, name)
        target.child.close_input()
        self.assertEqual(target.child.wait(), 0)
        return told, target.kinds

    def test_time_is_where_the_workload_says(self):
        directory = self.temporary_directory()
        told, kinds = self.run_all(directory)
        profiles = [Profile(path) for path in directory.glob("*.cpuprofile")]
        self.assertEqual(len(profiles), 2, "the main thread's and the worker's")
        for name, kind in kinds.items():
            with self.subTest(kind=name):
                found = sum(
                    seconds
                    for profile in profiles
                    for place, seconds in profile.seconds.items()
                    if place and self.is_right(kind, place)
                )
                allowed = ALLOWED.get(name, ALLOWED_ELSE)
                self.assert_close(found, told[name], f"seconds in {kind.right}", allowed)

    @staticmethod
    def is_right(kind, place):
        function, file, line = place
        return any(
            file == right["file"]
            and (function or "(anonymous)") == right["function"]
            and right["first_line"] <= line <= right["last_line"]
            for right in kind.right
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
