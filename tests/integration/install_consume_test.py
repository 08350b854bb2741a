"""Another CMake project finds the installed library and embeds it."""

import os
import pathlib
import subprocess
import tempfile
import time
import unittest
import urllib.request

BUILD = os.environ["LOOPSCOPE_BUILD"]
EXAMPLE = os.environ["LOOPSCOPE_EXAMPLE"]
SANITIZE = os.environ.get("LOOPSCOPE_SANITIZE", "")


def run(*command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            timeout=240)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}:\n{result.stdout}")


class InstallConsumeTest(unittest.TestCase):
    def test_installs_and_is_found(self):
        with tempfile.TemporaryDirectory() as directory:
            prefix, work = pathlib.Path(directory, "prefix"), pathlib.Path(directory, "build")
            run("cmake", "--install", BUILD, "--prefix", prefix, "--component", "library")
            headers = {path.name for path in (prefix / "include/loopscope").iterdir()}
            self.assertLessEqual({"loop_monitor.h", "metrics_server.h", "collectable.h"}, headers)
            for path in (prefix / "include").rglob("*.h"):
                for line in path.read_text().splitlines():
                    if line.startswith('#include "'):
                        self.assertIn("loopscope/", line, path)

            flags = f"-fsanitize={SANITIZE}" if SANITIZE else ""
            run("cmake", "-S", EXAMPLE, "-B", work, f"-DCMAKE_PREFIX_PATH={prefix}",
                "-DCMAKE_BUILD_TYPE=Debug", f"-DCMAKE_CXX_FLAGS={flags}")
            run("cmake", "--build", work)
            self.check_program(work / "embed_example")

    def check_program(self, program):
        started = time.monotonic()
        with subprocess.Popen([program], stdout=subprocess.PIPE, text=True) as process:
            address = process.stdout.readline().strip()
            with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as answer:
                text = answer.read().decode()
            self.assertIn('eventloop_info{process="my-server"', text)
            self.assertIn('source="library"', text)
            # Its loop has nothing left to do after two seconds; the monitor does not keep it.
            self.assertEqual(process.wait(60), 0)
        self.assertGreater(time.monotonic() - started, 1.5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
