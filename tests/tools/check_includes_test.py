"""Proves that tools/check_includes.py fails where it must."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
MODULES = """
loopscope_module(base)
loopscope_module(core DEPS base)
loopscope_module(target DEPS core base LIBS PkgConfig::LIBELF)
loopscope_module(sources DEPS target core base)
loopscope_module(backlog DEPS target core base)
loopscope_module(embed DEPS core base LIBS PkgConfig::LIBUV)
loopscope_module(export DEPS core base
  LIBS prometheus-cpp::core)
"""


class CheckIncludesTest(unittest.TestCase):
    def run_check(self, files, modules=MODULES):
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            for path, text in {"src/CMakeLists.txt": modules, **files}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            done = subprocess.run(
                [sys.executable, REPOSITORY / "tools/check_includes.py", root],
                capture_output=True,
                text=True,
                timeout=60,
            )
        return done.returncode, done.stdout

    def assert_refused(self, path, include, modules=MODULES):
        code, output = self.run_check({path: f"#include {include}\n"}, modules)
        self.assertEqual(code, 1, output)
        self.assertIn(path, output)

    def assert_accepted(self, path, include):
        code, output = self.run_check({path: f"#include {include}\n"})
        self.assertEqual(code, 0, output)

    def test_accepts_allowed_edges(self):
        self.assert_accepted("src/core/a.h", '"base/clock.h"')
        self.assert_accepted("src/core/a.h", "<vector>")
        self.assert_accepted("src/core/a.h", '"loopscope/phase.h"')
        self.assert_accepted("src/target/a.cc", "<sys/uio.h>")
        self.assert_accepted("src/target/a.cc", "<gelf.h>")
        self.assert_accepted("src/export/a.cc", "<prometheus/metric_family.h>")
        self.assert_accepted("src/apps/server/a.cc", "<uv.h>")
        self.assert_accepted("src/apps/loopscope/a.cc", '"export/a.h"')
        self.assert_accepted("include/loopscope/loop_monitor.h", "<uv.h>")

    def test_refuses_edges_that_point_back(self):
        self.assert_refused("src/base/a.h", '"core/a.h"')
        self.assert_refused("src/core/a.cc", '"target/a.h"')
        self.assert_refused("src/target/a.cc", '"sources/a.h"')

    def test_refuses_edges_between_neighbours(self):
        self.assert_refused("src/sources/a.cc", '"backlog/a.h"')
        self.assert_refused("src/export/a.cc", '"sources/a.h"')
        self.assert_refused("src/export/a.cc", '"target/a.h"')

    def test_refuses_third_party_headers_in_the_wrong_place(self):
        self.assert_refused("src/core/a.cc", "<prometheus/metric_family.h>")
        self.assert_refused("src/target/a.cc", "<yaml-cpp/yaml.h>")
        self.assert_refused("src/sources/a.cc", "<capstone/capstone.h>")
        self.assert_refused("src/sources/uv_stack/a.cc", "<bpf/libbpf.h>")
        self.assert_refused("src/sources/a.cc", "<uv.h>")
        self.assert_refused("include/loopscope/phase.h", "<uv.h>")

    def test_refuses_operating_system_headers_in_core(self):
        self.assert_refused("src/core/a.cc", "<unistd.h>")
        self.assert_refused("src/core/sub/a.h", "<sys/socket.h>")
        self.assert_refused("src/core/a.cc", "<linux/types.h>")

    def test_refuses_private_headers_in_public_ones(self):
        self.assert_refused("include/loopscope/a.h", '"core/a.h"')

    def test_refuses_what_it_does_not_know(self):
        self.assert_refused("src/core/a.cc", "<boost/any.hpp>")
        self.assert_refused("src/other/a.cc", "<vector>")
        self.assert_refused("src/core/a.cc", '"a.h"')

    def test_refuses_a_module_list_that_points_back(self):
        code, output = self.run_check({}, MODULES.replace("core DEPS base", "core DEPS base target"))
        self.assertEqual(code, 1, output)
        self.assertIn("core must not depend on target", output)


if __name__ == "__main__":
    unittest.main()
