#!/usr/bin/env python3
"""`loopscope run -- COMMAND`: it ends with all that it started, and not before."""

import json
import os
import signal
import unittest

from harness import env
from harness.case import EndToEndCase
from harness.polling import wait_until
from harness.tmux import Tmux

NODE = "22"


def exists(pid):
    return os.path.exists(f"/proc/{pid}")


class CommandCase(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.directory = self.temporary_directory()
        self.file = self.directory / "signals"
        self.server = f"{env.node(NODE)} {env.WORKLOADS / 'signals_log.js'} {self.file}"

    def said(self):
        return self.file.read_text().splitlines() if self.file.exists() else []

    def server_pid(self):
        def ready():
            lines = self.said()
            return lines and lines[0].startswith("ready ") and int(lines[0].split()[1])

        pid = wait_until(ready, 20, "the server")
        self.addCleanup(self.kill_if_left, pid)
        return pid

    @staticmethod
    def kill_if_left(pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if b"signals_log.js" in file.read():
                    os.kill(pid, signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass


class CommandTest(CommandCase):
    def check_it_ends_with_us(self, *command, environment=None):
        loopscope = self.loopscope("--", *command, environment=environment)
        pid = self.server_pid()
        loopscope.wait_for_loop(pid)
        self.assertEqual(loopscope.stop(), 0)
        self.assertFalse(exists(pid), "the server outlived Loopscope")
        self.assertEqual(self.said()[1:], ["SIGTERM"], "asked once, and given the time to end")

    def test_a_shell_that_waits_for_its_program(self):
        self.check_it_ends_with_us("sh", "-c", f"{self.server}; true")

    def test_a_program_in_a_session_of_its_own(self):
        self.check_it_ends_with_us("sh", "-c", f"setsid {self.server}; true")

    def test_npm_start(self):
        package = {"name": "shop", "private": True, "scripts": {"start": f"{self.server} && true"}}
        (self.directory / "package.json").write_text(json.dumps(package))
        path = f"{env.node(NODE).parent}:{os.environ['PATH']}"
        self.check_it_ends_with_us(
            env.tool("npm"), "--prefix", self.directory, "start", environment={"PATH": path}
        )

    def test_a_daemon_is_watched_on_after_its_launcher_has_ended(self):
        loopscope = self.loopscope("--", "sh", "-c", f"setsid {self.server} & sleep 0.5; exit 0")
        pid = self.server_pid()
        loopscope.wait_line(rf"ended with status 0; watched on: .*\(pid {pid}\)", stream="stderr")
        loopscope.wait_for_loop(pid, source="uv_stack")
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(loopscope.wait(), 0)

    def test_a_daemon_ends_with_us_and_the_launchers_status_counts(self):
        launcher = f"(setsid {self.server} &) ; sleep 0.5; exit 3"
        loopscope = self.loopscope("--", "sh", "-c", launcher)
        pid = self.server_pid()
        loopscope.wait_line("ended with status 3; watched on: ", stream="stderr")
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(loopscope.wait(), 1)
        self.assertEqual(self.said()[1:], ["SIGTERM"])

    def test_only_what_belongs_to_it_is_ended(self):
        other = self.spawn(env.node(NODE), env.WORKLOADS / "idle_server.js")
        other.wait_line("^ready")
        # A shell that becomes Loopscope and has a child already.
        loopscope = self.loopscope(
            "--", "sh", "-c", f"{self.server}; true",
            starter=("sh", "-c", 'sleep 300 & echo "$!" >"$0"; exec "$@"', self.directory / "pid"),
        )
        pid = self.server_pid()
        bystander = int((self.directory / "pid").read_text())
        self.addCleanup(os.kill, bystander, signal.SIGKILL)
        loopscope.wait_for_loop(pid)
        self.assertEqual(loopscope.stop(), 0)
        self.assertFalse(exists(pid))
        self.assertTrue(other.running())
        self.assertTrue(exists(bystander), "was there before Loopscope")

    def test_it_starts_with_the_limits_and_signals_loopscope_had(self):
        wanted = "ulimit -Sn; grep -E '^Sig(Blk|Ign)' /proc/self/status"
        setting = "ulimit -Sn 300; trap '' HUP USR1; "
        plain = self.spawn("sh", "-c", setting + wanted)
        plain.wait()
        loopscope = self.loopscope(
            "--", "sh", "-c", f"({wanted}) >{self.file}; exec sleep 300",
            starter=("sh", "-c", setting + 'exec "$@"', "sh"),
        )
        wait_until(lambda: len(self.said()) == 3, 10, "what the program was started with")
        self.assertEqual(
            self.without_c_library(self.said()), self.without_c_library(plain.lines())
        )
        with open(f"/proc/{loopscope.pid}/limits", encoding="utf-8") as file:
            limit = next(line for line in file if line.startswith("Max open files"))
        self.assertGreater(int(limit.split()[3]), 300, "Loopscope itself takes what it may")
        self.assertEqual(loopscope.stop(), 0)

    @staticmethod
    def without_c_library(lines):
        """Two signals that the C library keeps for itself are ignored in all that it starts."""
        *others, ignored = lines
        name, mask = ignored.split("\t")
        return [*others, f"{name}\t{int(mask, 16) & ~(3 << 31):016x}"]


class TerminalTest(CommandCase):
    def start(self, *command):
        terminal = Tmux([env.loopscope(), "run", "--listen", "127.0.0.1:0", "--", *command],
                        self.directory)
        self.addCleanup(terminal.close)
        return terminal

    def test_ctrl_c_reaches_the_program_once(self):
        terminal = self.start("sh", "-c", f"trap : INT; {self.server}; true")
        pid = self.server_pid()
        terminal.type("C-c")
        self.assertEqual(terminal.exit_code(), 0)
        self.assertFalse(exists(pid))
        self.assertEqual(self.said()[1:], ["SIGINT"])

    def test_ctrl_c_also_ends_what_has_left_the_terminal(self):
        terminal = self.start("sh", "-c", f"setsid {self.server}; true")
        pid = self.server_pid()
        terminal.type("C-c")
        self.assertEqual(terminal.exit_code(), 0)
        self.assertFalse(exists(pid))
        self.assertEqual(self.said()[1:], ["SIGTERM"])

    def test_the_program_reads_from_the_terminal(self):
        terminal = self.start("sh", "-c", f"{self.server} echo; true")
        self.server_pid()
        terminal.type("hello", "Enter")
        wait_until(lambda: "read hello" in self.said(), 10, "the line that was typed")
        terminal.type("C-c")
        self.assertEqual(terminal.exit_code(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
