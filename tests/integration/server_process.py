"""Runs loopscope-server for the tests and talks HTTP to it."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

SERVER = os.environ["LOOPSCOPE_SERVER"]
DEADLINE = 30


class Server:
    """One running server on free ports; ends it on exit."""

    def __init__(self, *arguments):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [SERVER, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", *arguments],
            stdin=subprocess.DEVNULL, stderr=self.log, text=True)
        try:
            self.port = self._port(r"^listening on http://127\.0\.0\.1:(\d+)$")
            self.metrics_port = self._port(r"^metrics on http://127\.0\.0\.1:(\d+)/metrics$")
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()

    def output(self):
        self.log.seek(0)
        return self.log.read()

    def _port(self, pattern):
        found = wait_for(lambda: re.search(pattern, self.output(), re.M)
                         or (self.process.poll() is not None and RuntimeError(self.output())))
        if isinstance(found, RuntimeError):
            raise found
        return int(found.group(1))

    def connect(self, timeout=DEADLINE):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def get(self, path, method="GET", body=None, port=None):
        """(status, headers, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=DEADLINE)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()
        finally:
            connection.close()

    def get_json(self, path):
        status, _, body = self.get(path)
        return status, json.loads(body)

    def metrics(self):
        status, _, text = self.get("/metrics", port=self.metrics_port)
        if status != 200:
            raise RuntimeError(f"/metrics: {status}")
        return text

    def metric(self, name, **labels):
        """Sum over the series of `name` that have the labels."""
        total = 0.0
        for line in self.metrics().splitlines():
            match = re.fullmatch(re.escape(name) + r"(?:\{(.*)\})? (\S+)", line)
            if not match:
                continue
            found = dict(re.findall(r'(\w+)="([^"]*)"', match.group(1) or ""))
            if all(found.get(key) == value for key, value in labels.items()):
                total += float(match.group(2))
        return total

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)


def wait_for(condition, seconds=DEADLINE):
    until = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > until:
            raise TimeoutError("condition not met in time")
        time.sleep(0.01)


def receive_all(connection):
    """Everything until the other side closes."""
    data = b""
    connection.settimeout(DEADLINE)
    while True:
        try:
            more = connection.recv(65536)
        except ConnectionResetError:
            return data
        except TimeoutError as error:
            raise TimeoutError(f"no end of the answer; so far {data!r}") from error
        if not more:
            return data
        data += more
