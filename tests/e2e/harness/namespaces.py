"""Connections into another network namespace."""

import ctypes
import http.client
import os
import socket
from concurrent.futures import ThreadPoolExecutor

from harness.http_client import HttpClient

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


def _inside(pid, call):
    """What call() gives in the network namespace of `pid`; sockets it makes stay there."""

    def enter_and_call():
        # The namespace is the thread's own, so it ends with it.
        with open(f"/proc/{pid}/ns/net", "rb") as namespace:
            if _LIBC.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return call()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(enter_and_call).result()


def connections_inside(pid, port, count):
    """Connections to a loopback port of the network namespace of `pid`."""
    address = ("127.0.0.1", port)
    return _inside(pid, lambda: [socket.create_connection(address, 10) for _ in range(count)])


def client_inside(pid):
    """What makes HTTP clients whose connections are in the network namespace of `pid`."""

    class Connection(http.client.HTTPConnection):
        def connect(self):
            address = (self.host, self.port)
            self.sock = _inside(pid, lambda: socket.create_connection(address, self.timeout))

    return lambda host, port: HttpClient(host, port, connection=Connection)
