"""Connections into another network namespace."""

import ctypes
import http.client
import os
import socket
import threading

from harness.http_client import HttpClient

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


def _connect_inside(pid, address, timeout):
    """A connected socket of the network namespace that `pid` is in."""
    outcome = []

    def connect():
        # The namespace is the thread's own, so it ends with it.
        try:
            with open(f"/proc/{pid}/ns/net", "rb") as namespace:
                if _LIBC.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            outcome.append(socket.create_connection(address, timeout))
        except OSError as error:
            outcome.append(error)

    thread = threading.Thread(target=connect)
    thread.start()
    thread.join()
    if isinstance(outcome[0], OSError):
        raise outcome[0]
    return outcome[0]


def client_inside(pid):
    """What makes HTTP clients whose connections are in the network namespace of `pid`."""

    class Connection(http.client.HTTPConnection):
        def connect(self):
            self.sock = _connect_inside(pid, (self.host, self.port), self.timeout)

    return lambda host, port: HttpClient(host, port, connection=Connection)
