#!/usr/bin/env python3
"""`loopscope run --supervise`: what ends is started again, and who asks it to end is obeyed."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path

from harness import env, image
from harness.case import EndToEndCase
from harness.polling import wait_until

_LISTENING = r"listening on http://127\.0\.0\.1:(\d+)"
_AGAIN = r"warning supervise: loopscope (.*); it is started again in (\d+)s$"
# Measured: 8.5 MB, of which 1.7 MB are no pages of the program's file and its libraries.
_MOST_RSS_KB = 12_000


def children(pid):
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def exists(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def status(pid, key):
    return re.search(rf"^{key}:\s+(.*)$", Path(f"/proc/{pid}/status").read_text(), re.M).group(1)


class SuperviseTest(EndToEndCase):
    def supervised(self, *arguments):
        return self.spawn(env.loopscope(), "run", "--supervise", *arguments, name="loopscope")

    def running(self):
        """A supervisor and the pid of its child, which serves."""
        supervisor = self.supervised("--listen", "127.0.0.1:0")
        supervisor.wait_line(_LISTENING, stream="stderr")
        (child,) = children(supervisor.pid)
        return supervisor, child

    def test_a_child_that_is_killed_is_started_again(self):
        supervisor, child = self.running()
        os.kill(child, signal.SIGKILL)
        what, wait = supervisor.wait_line(_AGAIN, stream="stderr").groups()
        self.assertEqual((what, wait), ("was ended by signal 9 (SIGKILL)", "1"))
        wait_until(lambda: len(re.findall(_LISTENING, supervisor.text())) == 2, 10, "another")
        (second,) = children(supervisor.pid)
        self.assertNotEqual(second, child)
        os.kill(second, signal.SIGSEGV)
        supervisor.wait_line(r"was ended by signal 11 \(SIGSEGV\); .* in 2s", stream="stderr")

    def test_what_cannot_start_is_tried_again_ever_more_seldom(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            supervisor = self.supervised("--listen", address)
            supervisor.wait_line("ended with exit code 1; .* in 1s", stream="stderr")
            supervisor.wait_line("ended with exit code 1; .* in 2s", stream="stderr")
            self.assertIn(f"cannot listen on {address}: Address already in use", supervisor.text())
        supervisor.wait_line(_LISTENING, stream="stderr")

    def test_a_bad_command_line_and_a_missing_file_end_nothing(self):
        for arguments in (["--no-such-flag"], ["--config", "/nonexistent/loopscope.yaml"]):
            supervisor = self.supervised(*arguments)
            supervisor.wait_line("ended with exit code 2; .* in 1s", stream="stderr")
            # No child runs: it ends at once.
            supervisor.signal(signal.SIGTERM)
            self.assertEqual(supervisor.wait(timeout=0.9), 0)

    def test_it_ends_as_its_child_does_when_asked_to(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            supervisor, child = self.running()
            supervisor.signal(number)
            self.assertEqual(supervisor.wait(), 0)
            self.assertFalse(exists(child))
            self.assertNotIn("started again", supervisor.text())

    def test_a_child_that_dies_of_being_asked_gives_its_code(self):
        supervisor, child = self.running()
        os.kill(child, signal.SIGSTOP)
        supervisor.signal(signal.SIGTERM)
        time.sleep(0.3)
        self.assertTrue(supervisor.running(), "it waits for its child")
        os.kill(child, signal.SIGKILL)
        self.assertEqual(supervisor.wait(), 128 + signal.SIGKILL)

    def test_sighup_reloads(self):
        supervisor, child = self.running()
        supervisor.signal(signal.SIGHUP)
        supervisor.wait_line("configuration reloaded", stream="stderr")
        self.assertEqual(children(supervisor.pid), [child])

    def test_code_0_ends_it(self):
        supervisor, child = self.running()
        os.kill(child, signal.SIGTERM)
        self.assertEqual(supervisor.wait(), 0)
        done = subprocess.run(
            [env.loopscope(), "run", "--supervise", "--help"],
            capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0)
        self.assertIn("--supervise", done.stdout)

    def test_the_child_dies_with_it(self):
        supervisor, child = self.running()
        supervisor.signal(signal.SIGKILL)
        wait_until(lambda: not exists(child), 5, "end of the child")

    def test_the_child_dies_with_it_with_file_capabilities(self):
        directory = image.directory_for_images()
        self.addCleanup(directory.cleanup)
        binary = Path(directory.name) / "loopscope"
        binary.write_bytes(env.loopscope().read_bytes())
        binary.chmod(0o755)
        Path(directory.name).chmod(0o755)
        subprocess.run(["setcap", "cap_sys_ptrace,cap_dac_override=p", binary], check=True)
        supervisor = self.spawn(
            binary, "run", "--supervise", "--listen", "127.0.0.1:0",
            name="loopscope", uid=env.UNPRIVILEGED_UID,
        )  # fmt: skip
        supervisor.wait_line(_LISTENING, stream="stderr")
        (child,) = children(supervisor.pid)
        self.assertNotEqual(int(status(child, "CapEff"), 16), 0)
        self.assertEqual(int(status(supervisor.pid, "CapEff"), 16), 0)
        supervisor.signal(signal.SIGKILL)
        wait_until(lambda: not exists(child), 5, "end of the child")

    def test_the_log_has_the_format_asked_for(self):
        path = self.temporary_directory() / "loopscope.yaml"
        path.write_text("log_format: json\n", encoding="utf-8")
        for arguments in (["--log-format", "json"], ["--log-format=json"], ["--config", path]):
            supervisor = self.supervised("--listen", "127.0.0.1:0", *arguments)
            supervisor.wait_line("listening on http", stream="stderr")
            os.kill(children(supervisor.pid)[0], signal.SIGKILL)
            supervisor.wait_line("supervise", stream="stderr")
            (line,) = [line for line in supervisor.lines("stderr") if "supervise" in line]
            fields = json.loads(line)
            self.assertEqual(fields["level"], "warning")
            self.assertEqual(
                fields["message"],
                "supervise: loopscope was ended by signal 9 (SIGKILL); it is started again in 1s",
            )
            self.assertRegex(fields["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_it_is_small_and_no_target(self):
        node = self.node("22", "idle_server.js")
        # Its command line has the pattern.
        supervisor = self.supervised("--name", "idle_server|loopscope", "--listen", "127.0.0.1:0")
        port = supervisor.wait_line(_LISTENING, stream="stderr").group(1)
        (child,) = children(supervisor.pid)

        def loops():
            done = subprocess.run(
                [env.tool("curl"), "-s", f"http://127.0.0.1:{port}/api/v1/loops"],
                capture_output=True, text=True, timeout=10, check=True,
            )  # fmt: skip
            return {loop["pid"] for loop in json.loads(done.stdout)["loops"]}

        wait_until(lambda: node.pid in loops(), 20, "the target")
        self.assertEqual(loops() & {supervisor.pid, child}, set())
        self.assertNotRegex(supervisor.text(), rf"\b{supervisor.pid}\b")
        rss = int(status(supervisor.pid, "VmRSS").split()[0])
        print(f"resident: {rss} kB, its child {status(child, 'VmRSS')}")
        self.assertLess(rss, _MOST_RSS_KB)
        self.assertEqual(status(supervisor.pid, "Threads"), "1")
        opened = [os.readlink(entry) for entry in Path(f"/proc/{supervisor.pid}/fd").iterdir()]
        self.assertEqual([name for name in opened if name.startswith("socket:")], [])

    def test_a_command_is_refused(self):
        done = subprocess.run(
            [env.loopscope(), "run", "--supervise", "--", "true"],
            capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip
        self.assertEqual(done.returncode, 2)
        self.assertIn("-- COMMAND cannot be combined with --supervise", done.stderr)

    def test_as_pid_1_it_reaps_orphans(self):
        supervisor = self.spawn(
            "unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
            env.loopscope(), "run", "--supervise", "--listen", "127.0.0.1:0", name="loopscope",
        )  # fmt: skip
        supervisor.wait_line(_LISTENING, stream="stderr")
        (first,) = children(supervisor.pid)
        (child,) = children(first)
        self.assertEqual(status(first, "NSpid").split()[-1], "1")
        subprocess.run(
            ["nsenter", "--pid", "--mount", "--target", str(first),
             "sh", "-c", "(sleep 0.3 &) ; (sleep 0.3 & sleep 0.3 &)"], check=True, timeout=10,
        )  # fmt: skip
        wait_until(lambda: len(children(first)) > 1, 5, "orphans", interval=0.01)
        wait_until(lambda: children(first) == [child], 5, "the orphans' end")
        os.kill(first, signal.SIGTERM)
        self.assertEqual(supervisor.wait(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
