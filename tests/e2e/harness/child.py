"""One child process with its output collected line by line."""

import contextlib
import ctypes
import fcntl
import os
import re
import signal
import subprocess
import threading
import time

from harness.polling import TimedOut

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def _die_with_parent():
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Child:
    """Starts a program in a process group of its own.

    Standard output and standard error are read by threads, so that a full pipe never
    blocks the child (which would be a stall the test did not inject).
    """

    def __init__(self, argv, name=None, env=None, uid=None, cwd=None):
        self.argv = [str(part) for part in argv]
        self.name = name or os.path.basename(self.argv[0])
        identity = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
        self._process = subprocess.Popen(
            self.argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_die_with_parent,
            **identity,
        )
        self.pid = self._process.pid
        self._changed = threading.Condition()
        self._lines = {"stdout": [], "stderr": []}
        self._reading = {stream: threading.Event() for stream in self._lines}
        for reading in self._reading.values():
            reading.set()
        self._readers = [
            threading.Thread(target=self._collect, args=(stream, pipe), daemon=True)
            for stream, pipe in (
                ("stdout", self._process.stdout),
                ("stderr", self._process.stderr),
            )
        ]
        for reader in self._readers:
            reader.start()

    def _collect(self, stream, pipe):
        for raw in pipe:
            with self._changed:
                self._lines[stream].append(raw.decode("utf-8", "replace").rstrip("\n"))
                self._changed.notify_all()
            self._reading[stream].wait()

    @contextlib.contextmanager
    def stuck(self, stream="stderr"):
        """Meanwhile nobody reads this stream, and its pipe is full."""
        number = {"stdout": 1, "stderr": 2}[stream]
        self._reading[stream].clear()
        try:
            # A description of its own: the child's stays a blocking one.
            pipe = os.open(f"/proc/{self.pid}/fd/{number}", os.O_WRONLY | os.O_NONBLOCK)
            try:
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
                full_for = 0
                while full_for < 5:  # the reader may still be taking what it was at
                    try:
                        os.write(pipe, b"filling\n")
                        full_for = 0
                    except BlockingIOError:
                        full_for += 1
                        time.sleep(0.02)
            finally:
                os.close(pipe)
            yield
        finally:
            self._reading[stream].set()

    def lines(self, stream="stdout"):
        with self._changed:
            return list(self._lines[stream])

    def text(self, stream="stderr"):
        return "\n".join(self.lines(stream))

    def wait_line(self, pattern, stream="stdout", timeout=30, start=0):
        """The first match of `pattern` in a line at or after index `start`."""
        expression = re.compile(pattern)
        deadline = time.monotonic() + timeout
        seen = start
        with self._changed:
            while True:
                lines = self._lines[stream]
                while seen < len(lines):
                    match = expression.search(lines[seen])
                    seen += 1
                    if match:
                        return match
                left = deadline - time.monotonic()
                if left <= 0 or (self._process.poll() is not None and left < timeout - 2):
                    state = self._process.poll()
                    raise TimedOut(
                        f"{self.name} (pid {self.pid}, exit {state}) printed no line matching"
                        f" {pattern!r} on {stream} within {timeout} s"
                    )
                self._changed.wait(min(left, 0.2))

    def send(self, line):
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def ask(self, line, pattern=r"^\{.*\}$", timeout=60):
        """Sends a command line and returns the match of the answer's line."""
        start = len(self.lines())
        self.send(line)
        return self.wait_line(pattern, timeout=timeout, start=start)

    def close_input(self):
        """The end of its standard input, which asks most workloads to end."""
        self._process.stdin.close()

    def signal(self, number):
        self._process.send_signal(number)

    def running(self):
        return self._process.poll() is None

    def wait(self, timeout=15):
        """The exit code; negative for a signal, as in subprocess."""
        code = self._process.wait(timeout)
        for reader in self._readers:
            reader.join(1)
        return code

    def kill(self):
        """Ends the process and whatever it started in its group. Safe to call twice."""
        if self._process.returncode is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self._process.wait(15)
        self._process.stdin.close()
        for reader, pipe in zip(self._readers, (self._process.stdout, self._process.stderr)):
            reader.join(1)
            if not reader.is_alive():
                pipe.close()
