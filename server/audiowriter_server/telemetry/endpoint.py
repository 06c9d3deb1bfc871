"""A small HTTP server for metrics, on an event loop and a thread of its own.

prometheus_client's server starts a thread for each connection, and waits without a timeout for the request.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MAX_CONNECTIONS = 16
"""If another one comes, the oldest is closed, so that silent connections do not keep Prometheus away."""
REQUEST_S = 5.0
"""Seconds that a client has to send its request and to read the answer."""
MAX_REQUEST_BYTES = 8 * 1024

Page = Callable[[str], tuple[bytes, str]]
"""From the Accept header to the body and its content type."""


class Endpoint:
    """Answers each GET and HEAD request with the page, and closes the connection."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._open: dict[asyncio.Task[None], None] = {}  # in the order in which they came

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        assert task is not None
        if len(self._open) >= MAX_CONNECTIONS:
            next(iter(self._open)).cancel()
        self._open[task] = None
        try:
            async with asyncio.timeout(REQUEST_S):
                writer.write(self._answer(await reader.readuntil(b"\r\n\r\n")))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._open.pop(task, None)

    async def close(self) -> None:
        """Close all connections."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open)

    def _answer(self, request: bytes) -> bytes:
        first, *lines = request.decode("latin-1").split("\r\n")
        method = first.partition(" ")[0]
        if method not in ("GET", "HEAD"):
            return (
                b"HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body, kind = self._page(headers.get("accept", ""))
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        return head.encode() + (body if method == "GET" else b"")


@contextmanager
def serving(host: str, port: int, page: Page) -> Iterator[None]:
    """Serve `page` until the end of the context. Raises OSError if the port is not available."""
    loop, endpoint = asyncio.new_event_loop(), Endpoint(page)
    listener = asyncio.start_server(endpoint.accept, host, port, limit=MAX_REQUEST_BYTES)
    server = loop.run_until_complete(listener)
    thread = threading.Thread(target=loop.run_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(endpoint.close())
        loop.close()
