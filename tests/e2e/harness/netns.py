"""Connections from inside another network namespace."""

import ctypes
import os
import socket
from concurrent.futures import ThreadPoolExecutor

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


def connect_beside(pid, port, count):
    """Connections to a loopback port of the network namespace of `pid`, which they stay in."""

    def connect():
        # Moves this thread alone.
        with open(f"/proc/{pid}/ns/net", encoding="ascii") as namespace:
            if _LIBC.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(count)]

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(connect).result()
