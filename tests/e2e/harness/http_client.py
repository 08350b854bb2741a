"""One HTTP request with a bound on time."""

import http.client
import time
from dataclasses import dataclass


@dataclass
class Response:
    status: int
    headers: dict
    body: bytes
    seconds: float

    @property
    def text(self):
        return self.body.decode("utf-8")


class HttpClient:
    """A keep-alive connection to one address; reconnects when the peer closed it."""

    def __init__(self, host, port, timeout=10, connection=http.client.HTTPConnection):
        self._connection = connection(host, port, timeout=timeout)

    def request(self, path, method="GET", headers=None):
        for attempt in (1, 2):
            fresh = self._connection.sock is None
            begin = time.monotonic()
            try:
                self._connection.request(method, path, headers=headers or {})
                answer = self._connection.getresponse()
                body = answer.read()
                break
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                # An idle keep-alive connection may have been closed meanwhile; once is normal.
                self._connection.close()
                if fresh or attempt == 2:
                    raise
        fields = {key.lower(): value for key, value in answer.getheaders()}
        return Response(answer.status, fields, body, time.monotonic() - begin)

    def get(self, path, headers=None):
        return self.request(path, headers=headers)

    def close(self):
        self._connection.close()
