"""An HTTP server of our own for tests."""

import threading
from http.server import ThreadingHTTPServer


class LocalHttpServer:
    """Serves `handler`, a BaseHTTPRequestHandler, on a free port of the loopback."""

    def __init__(self, handler):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()
