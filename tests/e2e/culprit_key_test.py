#!/usr/bin/env python3
"""One function is one series and one line of the log, however many of its lines run; its
dependencies' time is its own, with the package told."""

import re
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.polling import wait_until

NODE = "22"
LONG_LINES = 120
LONG_STALLS, SHORT_STALLS, DEPENDENCY_STALLS = 60, 8, 6
SECONDS = "eventloop_stall_culprit_seconds_total"
LOG_BURST = 5  # of one function, then one more per 10 s

DEPENDENCY = """'use strict';
exports.grind = function grind(ms) {
  const end = performance.now() + ms;
  let n = 0;
  while (performance.now() < end) n += Math.sqrt(n + 1);
  return n;
};
"""

PROGRAM = """'use strict';
const {{ serveCommands, answer }} = require({commands!r});
const {{ grind }} = require('@acme/grinder');
function longFunction(ms) {{
  const end = performance.now() + ms;
  let x = 1;
  do {{
{lines}
  }} while (performance.now() < end);
  return x;
}}
function shortFunction(ms) {{
  const end = performance.now() + ms;
  let n = 0;
  while (performance.now() < end) n += Math.sqrt(n + 1);
  return n;
}}
function usesDependency(ms) {{
  return grind(ms) + 1;
}}
const functions = {{ longFunction, shortFunction, usesDependency }};
serveCommands({{
  run(name, times, ms) {{
    let left = Number(times);
    let spent = 0;
    (function next() {{
      if (left-- === 0) return answer({{ seconds: spent / 1000 }});
      const begin = performance.now();
      functions[name](Number(ms));
      spent += performance.now() - begin;
      setTimeout(next, 15);
    }})();
  }},
}});
"""
STEP = "    for (let k = 0; k < 9000; k++) x = (x * {0} + k) % 1000003;"


class CulpritKeyTest(EndToEndCase):
    def start(self):
        folder = self.temporary_directory()
        package = folder / "node_modules" / "@acme" / "grinder"
        package.mkdir(parents=True)
        (package / "index.js").write_text(DEPENDENCY, encoding="utf-8")
        lines = "\n".join(STEP.format(i + 3) for i in range(LONG_LINES))
        text = PROGRAM.format(commands=str(env.WORKLOADS / "lib" / "commands.js"), lines=lines)
        program = folder / "program.js"
        program.write_text(text, encoding="utf-8")
        self.begins = {
            match.group(1): str(text[: match.start()].count("\n") + 1)
            for match in re.finditer(r"^function (\w+)", text, re.MULTILINE)
        }
        target = self.spawn(env.node(NODE), program, name="program.js")
        target.wait_line("^ready")
        return program, target

    def test_one_function_one_series(self):
        program, target = self.start()
        loopscope = self.loopscope("--pid", target.pid)
        loopscope.wait_for_loop(target.pid, source="uv_stack")
        truth = {}
        for name, times in (
            ("shortFunction", SHORT_STALLS),
            ("longFunction", LONG_STALLS),
            ("usesDependency", DEPENDENCY_STALLS),
        ):
            answer = target.ask(f"run {name} {times} 100", timeout=120).group(0)
            truth[name] = float(re.search(r"[0-9.]+", answer).group(0))

        def settled():
            stalls = loopscope.json("/api/v1/stalls?limit=1000")
            return stalls if not any(stall["in_progress"] for stall in stalls) else None

        stalls = wait_until(settled, 10, "the end of the last stall")
        metrics = loopscope.scrape()
        for name, package in (
            ("longFunction", ""),
            ("shortFunction", ""),
            ("usesDependency", "@acme/grinder"),
        ):
            with self.subTest(function=name):
                ((labels, seconds),) = metrics.samples(SECONDS, function=name)
                self.assertEqual(labels["file"], str(program))
                self.assertEqual(labels["package"], package)
                self.assertEqual(labels["line"], self.begins[name], "where it begins")
                inner = "grind" if package else name
                recorded = sum(s["duration_seconds"] for s in stalls if s["function"] == inner)
                self.assert_close(seconds, recorded, "seconds", 0.05, 0.02)
                # A busy machine lets a stall go without a name now and then.
                self.assertGreater(seconds, truth[name] / 2)
                self.assertLess(seconds, truth[name] * 1.1 + 0.1)
        heaviest = max(metrics.samples(SECONDS), key=lambda sample: sample[1])
        self.assertEqual(heaviest[0]["function"], "longFunction")
        self.assertEqual(metrics.sum(SECONDS, function="other"), 0)

        # The lines that ran are still told one by one.
        lines = {stall["line"] for stall in stalls if stall["function"] == "longFunction"}
        self.assertGreater(len(lines), 5, "many lines of the long function ran")
        innermost = {stall["function"] for stall in stalls}
        self.assertIn("grind", innermost)

        told = [line for line in loopscope.lines("stderr") if "longFunction" in line]
        self.assertGreater(len(told), 0)
        self.assertLessEqual(len(told), LOG_BURST + 2, "lines of the log about one function")


if __name__ == "__main__":
    unittest.main(verbosity=2)
