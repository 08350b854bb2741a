"""The processes of one benchmark, ended together."""

import contextlib

from harness.child import Child
from harness.loopscope import Loopscope


class Session(contextlib.ExitStack):
    def spawn(self, *argv, ready="^ready"):
        child = Child(argv)
        self.callback(child.kill)
        if ready:
            child.wait_line(ready)
        return child

    def loopscope(self, *arguments):
        child = Loopscope(*arguments)
        self.callback(child.kill)
        return child
