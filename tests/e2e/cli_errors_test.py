#!/usr/bin/env python3
"""Bad input: a message that names the thing, and the exit code of DESIGN: 2 usage, 1 runtime."""

import socket
import subprocess
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.polling import wait_until

USAGE = 2
RUNTIME = 1


class CliErrorsTest(EndToEndCase):
    def run_once(self, *arguments, binary=None, **options):
        return subprocess.run(
            [binary or env.loopscope(), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            **options,
        )

    def assert_refused(self, arguments, code, *named, **options):
        done = self.run_once(*arguments, **options)
        message = done.stderr
        self.assertEqual(done.returncode, code, f"{arguments}: {message}")
        for text in named:
            self.assertIn(str(text), message)
        self.assertLess(len(message), 2000, "a message, not a flood")

    def write_config(self, text):
        path = self.temporary_directory() / "loopscope.yaml"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
        return path

    def test_unknown_words(self):
        self.assert_refused(["run", "--no-such-flag"], USAGE, "--no-such-flag")
        self.assert_refused(["no-such-command"], USAGE, "no-such-command")
        self.assert_refused([], USAGE)

    def test_bad_values(self):
        self.assert_refused(["run", "--pid", "twelve"], USAGE, "twelve")
        self.assert_refused(["run", "--pid", "-5"], USAGE, "-5")
        self.assert_refused(["run", "--pid", "99999999999999999999"], USAGE)
        self.assert_refused(["run", "--port", "70000"], USAGE, "70000")
        self.assert_refused(["run", "--stall-threshold", "fast"], USAGE, "fast")
        self.assert_refused(["run", "--sample-interval", "-1ms"], USAGE)
        self.assert_refused(["run", "--log-format", "xml"], USAGE, "xml")
        self.assert_refused(["run", "--listen", "nowhere"], USAGE, "nowhere")

    def test_broken_regular_expression(self):
        self.assert_refused(["run", "--name", "(unclosed"], USAGE, "(unclosed")

    def test_missing_config(self):
        path = "/nonexistent/loopscope.yaml"
        self.assert_refused(["run", "--config", path], USAGE, path)
        self.assert_refused(["check-config", path], USAGE, path)

    def test_unreadable_config(self):
        binary = self.public_copy(env.loopscope()) / "loopscope"
        path = self.write_config("listen: 127.0.0.1:0\n")
        path.chmod(0o600)
        self.assert_refused(
            ["run", "--config", path],
            USAGE,
            path,
            binary=binary,
            user=env.UNPRIVILEGED_UID,
            group=env.UNPRIVILEGED_UID,
            extra_groups=[],
        )
        self.assert_refused(["run", "--config", path.parent], USAGE, path.parent)

    def test_wrong_config(self):
        path = self.write_config("listen: 127.0.0.1:0\nstal_threshold: 50ms\n")
        self.assert_refused(["run", "--config", path], USAGE, f"{path}:2:1", "stal_threshold")
        path = self.write_config("stall_threshold: soon\n")
        self.assert_refused(["check-config", path], USAGE, f"{path}:1:", "soon")
        path = self.write_config("targets: [{pid: 1\n")
        self.assert_refused(["check-config", path], USAGE, f"{path}:")
        path = self.write_config("\x00\xff binary")
        self.assert_refused(["check-config", path], USAGE, path)

    def test_good_config(self):
        path = self.write_config("stall_threshold: 75ms\ntargets:\n  - port: 3000\n")
        done = self.run_once("check-config", path)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            self.assert_refused(["run", "--listen", address], RUNTIME, address)

    def test_pid_that_does_not_exist(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        self.assert_refused(["run", "--listen", "127.0.0.1:0", "--pid", gone.pid], RUNTIME,
                            gone.pid)

    def test_pid_that_is_no_event_loop(self):
        sleeper = self.spawn("sleep", "60")
        command = ["run", "--listen", "127.0.0.1:0", "--pid", sleeper.pid]
        loopscope = self.spawn(env.loopscope(), *command, name="loopscope")
        # Refused, or watched in vain: either way the reason is given with the pid.
        loopscope.wait_line(rf"\b{sleeper.pid}\b.*loop|loop.*\b{sleeper.pid}\b", stream="stderr")
        wait_until(
            lambda: not loopscope.running() or "listening on" in loopscope.text(), 10, "decision"
        )
        if not loopscope.running():
            self.assertEqual(loopscope.wait(), RUNTIME)

    def test_command_that_does_not_exist(self):
        self.assert_refused(
            ["run", "--listen", "127.0.0.1:0", "--", "/nonexistent/program"],
            RUNTIME,
            "/nonexistent/program",
        )

    def test_help_and_version(self):
        for arguments in (["--help"], ["run", "--help"], ["doctor", "--help"]):
            done = self.run_once(*arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("Usage", done.stdout)
        done = self.run_once("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"\d+\.\d+\.\d+")

    def test_server_refuses_the_same(self):
        server = env.loopscope_server()
        self.assert_refused(["--no-such-flag"], USAGE, "--no-such-flag", binary=server)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            self.assert_refused(
                ["--listen", address, "--metrics-listen", "127.0.0.1:0"],
                RUNTIME,
                address,
                binary=server,
            )


if __name__ == "__main__":
    unittest.main(verbosity=2)
