"""A web site on loopback that sends bodies while they are being made and receives the reports of its pages."""

import json
import sys
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any, Self

Body = Callable[[], tuple[str, Iterable[bytes]]]
"""Returns the MIME type and yields the bytes in pieces, each of which is sent immediately."""


def whole(mime_type: str, data: bytes) -> Body:
    """Return a body with known bytes."""
    return lambda: (mime_type, [data])


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a browser that exits resets its connections
            super().handle_error(request, client_address)


class Site:
    """Serves `bodies` by path, and the pages in this folder."""

    def __init__(self, bodies: dict[str, Body]) -> None:
        self.bodies = bodies
        self.reports: Queue[dict[str, Any]] = Queue()
        """The reports that pages have posted."""
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site._get(self)

            def do_POST(self) -> None:
                site.reports.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _get(self, request: BaseHTTPRequestHandler) -> None:
        page = Path(__file__).parent / request.path.lstrip("/")
        if request.path in self.bodies:
            mime_type, pieces = self.bodies[request.path]()
        elif page.suffix == ".html" and page.is_file():
            mime_type, pieces = "text/html", [page.read_bytes()]
        else:
            request.send_error(404)
            return
        request.send_response(200)
        request.send_header("Content-Type", mime_type)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        try:
            for piece in pieces:
                if piece:
                    request.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            request.wfile.write(b"0\r\n\r\n")
        except ConnectionError:  # the page has closed the connection
            request.close_connection = True
