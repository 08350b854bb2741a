"""What clients do to the servers under test. Each runs in a thread until close()."""

import http.client
import os
import select
import selectors
import socket
import threading
import time

from harness.http_client import HttpClient

_CLIENT_ERRORS = (OSError, http.client.HTTPException)


class _Load:
    def __init__(self):
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._stopping.is_set():
            self._turn()

    def start(self):
        self._thread.start()
        return self

    def close(self):
        self._stopping.set()
        self._thread.join(15)


class Requests(_Load):
    """Asks for one path again and again, one request at a time, with a pause between."""

    def __init__(self, port, path, pause=0.0, timeout=60):
        super().__init__()
        self._client = HttpClient("127.0.0.1", port, timeout)
        self._path = path
        self._pause = pause
        self._asked = None  # when, if an answer is awaited
        self._longest = 0.0
        self.seconds = []  # of each answer

    def _turn(self):
        self._asked = time.monotonic()
        try:
            self.seconds.append(self._client.get(self._path).seconds)
        except _CLIENT_ERRORS:
            self._stopping.wait(0.1)  # it is down or turns clients away; they wait all the same
        self._longest = max(self._longest, time.monotonic() - self._asked)
        self._asked = None
        self._stopping.wait(self._pause)

    def longest_wait(self):
        """Of all requests so far, also of those without an answer."""
        asked = self._asked
        return max(self._longest, 0.0 if asked is None else time.monotonic() - asked)

    def close(self):
        super().close()
        self._client.close()


class FifoFeeder(_Load):
    """Whoever reads the FIFO waits this long for its line."""

    def __init__(self, path, seconds):
        super().__init__()
        self._path = path
        self._seconds = seconds

    def _turn(self):
        try:
            fd = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads it now
            self._stopping.wait(0.01)
            return
        try:
            self._stopping.wait(self._seconds)
            os.write(fd, b"late\n")
        except BrokenPipeError:
            pass  # the reader has ended
        finally:
            os.close(fd)
        # Not twice to one reader: it has to see the end first.
        self._stopping.wait(0.02)


class ConnectionFlood(_Load):
    """Opens `first` connections at once, then `rate` a second.

    Of those that came later only the latest are kept open, so that a long flood does not
    use up descriptors.
    """

    _KEPT = 200
    _TICK = 0.1

    def __init__(self, port, first, rate=0):
        super().__init__()
        self._port = port
        self._first = [self._connect() for _ in range(first)]
        self._per_tick = round(rate * self._TICK)
        self._later = []

    def _connect(self):
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex(("127.0.0.1", self._port))
        return connection

    def send(self, data=b"x"):
        """Sends on every connection that is established."""
        _, writable, _ = select.select([], self._first, [], 0)
        for connection in writable:
            try:
                connection.send(data)
            except OSError:
                pass  # it was refused meanwhile

    def _turn(self):
        self._later += [self._connect() for _ in range(self._per_tick)]
        for connection in self._later[: -self._KEPT]:
            connection.close()
        self._later = self._later[-self._KEPT :]
        self._stopping.wait(self._TICK)

    def close(self):
        super().close()
        for connection in self._first + self._later:
            connection.close()


class Arrivals(_Load):
    """A connection a request, `rate` a second, whether or not those before were answered.

    Whoever waits with very many before is given up, so that descriptors do not run out.
    `rate` may be changed meanwhile.
    """

    _MOST = 800
    _TICK = 0.02

    def __init__(self, port, path="/", rate=50):
        super().__init__()
        self._port = port
        self._request = f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
        self.rate = rate
        self._open = {}  # when it came, by socket; the oldest first
        self._selector = selectors.DefaultSelector()
        self._seen = time.monotonic()
        self._due = 0.0
        self._longest = 0.0

    def _come(self):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", self._port))
        self._open[client] = time.monotonic()
        self._selector.register(client, selectors.EVENT_WRITE)

    def _leave(self, client):
        self._longest = max(self._longest, time.monotonic() - self._open.pop(client))
        self._selector.unregister(client)
        client.close()

    def _serve(self, client, events):
        try:
            if events & selectors.EVENT_WRITE:
                client.send(self._request)
                self._selector.modify(client, selectors.EVENT_READ)
            else:
                client.recv(4096)
                self._leave(client)
        except OSError:
            self._leave(client)  # it was refused

    def _turn(self):
        now = time.monotonic()
        self._due += (now - self._seen) * self.rate
        self._seen = now
        while self._due >= 1:
            self._due -= 1
            self._come()
        for key, events in self._selector.select(0):
            self._serve(key.fileobj, events)
        for client in list(self._open)[: -self._MOST]:
            self._leave(client)
        self._stopping.wait(self._TICK)

    def longest_wait(self):
        """Of all clients so far, also of those without an answer."""
        oldest = next(iter(self._open.values()), None)
        return max(self._longest, 0.0 if oldest is None else time.monotonic() - oldest)

    def close(self):
        super().close()
        for client in list(self._open):
            self._leave(client)
        self._selector.close()
