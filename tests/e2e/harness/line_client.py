"""A client of workloads/epoll_server.py."""

import socket


class LineClient:
    """One connection to the epoll server of the workloads."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), 30)
        self._file = self._socket.makefile("r", encoding="ascii")

    def ask(self, line):
        self._socket.sendall(line.encode() + b"\n")
        return self._file.readline().strip()

    def stats(self):
        """Longest busy period and their sum since the last call, in seconds."""
        longest, total = self.ask("stats").split()
        return float(longest), float(total)

    def close(self):
        self._file.close()
        self._socket.close()
