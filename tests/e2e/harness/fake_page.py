"""The real page over an invented API, for what no real target has: 100 loops, 2 MB names."""

import datetime
import json
import time
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from harness.local_http_server import LocalHttpServer

PHASES = ("timers", "pending", "idle_prepare", "poll_wait", "poll", "check", "closing", "unknown")
_KEPT_HEADERS = ("content-type", "content-security-policy", "x-content-type-options")


def timestamp(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def loop(seconds, number, **fields):
    """A loop watched for `seconds`, busy a little in every phase."""
    share = 0.01 + 0.004 * (number % 20)
    phases = {phase: seconds * share / 7 for phase in PHASES}
    phases["poll_wait"] = seconds * (1 - share)
    return {
        "process": f"api-{number // 20}", "slot": 0, "pid": 1000 + number // 20,
        "loop": "main" if number % 20 == 0 else f"worker-{number % 20}", "labels": {},
        "runtime": "node", "runtime_version": "22.23.3", "source": "uv_stack", "note": None,
        "phase": "poll_wait", "blocked_seconds": 0.0, "stall_threshold_seconds": 0.05,
        "lag_max_seconds": share / 10,
        "lag": {"sum_seconds": seconds * share / 100, "count": int(seconds * 1000),
                "over_100ms": int(seconds * share)},
        "active_seconds": seconds * share, "idle_seconds": seconds * (1 - share),
        "phase_seconds": phases, "iterations": int(seconds * 100), "stalls": 0,
        "stall_seconds": 0.0, "timer_lateness_seconds": 0.0, **fields,
    }


def stall(number, begin, **fields):
    return {
        "id": number, "process": "api-0", "slot": 0, "pid": 1000, "loop": "main",
        "started_at": timestamp(begin), "duration_seconds": 0.25, "in_progress": False,
        "phase": "poll", "cause": "cpu", "causes": {"cpu": 0.25}, "function": "compute",
        "file": "/srv/api.js", "line": 10, "detail": None, "stack": [], **fields,
    }


class FakePage(LocalHttpServer):
    """Serves the assets of a running Loopscope and what the two functions return.

    loops(seconds) and stalls() are asked at every request; `seconds` is the time since the
    start.
    """

    def __init__(self, loopscope, loops, stalls=list, sources=()):
        begin = time.time()

        def state():
            seconds = time.time() - begin + 1
            return {"time": timestamp(time.time()), "targets": 5, "loops": loops(seconds),
                    "listeners": [], "sources": list(sources)}

        def since(query):
            first = int(parse_qs(query).get("since", ["0"])[0])
            return [record for record in stalls() if record["id"] > first]

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):  # the name is http.server's
                address = urlsplit(self.path)
                headers = {"content-type": "application/json; charset=utf-8"}
                if address.path == "/api/v1/loops":
                    body = json.dumps(state()).encode()
                elif address.path == "/api/v1/stalls":
                    body = json.dumps(since(address.query)).encode()
                else:
                    client = loopscope.client()
                    answer = client.get(self.path)
                    client.close()
                    body = answer.body
                    headers = {k: v for k, v in answer.headers.items() if k in _KEPT_HEADERS}
                self.send_response(200)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        super().__init__(Handler)
