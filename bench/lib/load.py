"""The HTTP load on a target, and its count of answers."""

import mmap
import tempfile

from harness.polling import wait_until
from lib.programs import compile_c


class Load:
    """A running http_load; `answers` is its count so far, read from shared memory."""

    def __init__(self, session, port, connections=16):
        counter = session.enter_context(tempfile.NamedTemporaryFile(prefix="loopscope-bench-"))
        counter.write(bytes(8))
        counter.flush()
        self._memory = mmap.mmap(counter.fileno(), 8)
        session.callback(self._memory.close)
        self.program = session.spawn(
            compile_c("http_load"), port, connections, counter.name, ready=None
        )
        wait_until(lambda: self.answers > 1000, 30, "load on the target")

    @property
    def answers(self):
        return int.from_bytes(self._memory[:8], "little")
