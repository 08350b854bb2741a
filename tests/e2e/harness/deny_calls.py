#!/usr/bin/env python3
"""Runs a command with some system calls refused, as container runtimes refuse them.

usage: deny_calls.py NUMBER[,NUMBER...] COMMAND...   (numbers of x86-64; EPERM)
"""

import ctypes
import errno
import os
import struct
import sys

_LOAD_NUMBER = (0x20, 0, 0, 0)
_ALLOW = (0x06, 0, 0, 0x7FFF0000)
_REFUSE = (0x06, 0, 0, 0x00050000 | errno.EPERM)
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2

PERF_EVENT_OPEN = 298


def starter(*numbers):
    """The beginning of a command line, for Loopscope(starter=...)."""
    return [sys.executable, __file__, ",".join(map(str, numbers))]


def _deny(numbers):
    program = [_LOAD_NUMBER]
    for number in numbers:
        program += [(0x15, 0, 1, number), _REFUSE]
    program.append(_ALLOW)
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    filter_ = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(filter_)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, buffer, 0, 0
    ):
        raise OSError(ctypes.get_errno(), "cannot set the filter")


if __name__ == "__main__":
    _deny([int(number) for number in sys.argv[1].split(",")])
    os.execvp(sys.argv[2], sys.argv[2:])
