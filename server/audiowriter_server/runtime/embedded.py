"""The server inside another process, on a private socket. The command line and the demos use it without any set-up."""

import asyncio
import tempfile
import threading
from pathlib import Path
from types import TracebackType

from .server import Server
from .settings import Settings


class EmbeddedServer:
    """A server on a thread of its own. Only the same user can connect to `target`:

    with EmbeddedServer() as server:
        AudioWriter.open(server.target, ...)

    grpc.aio supports one event loop per process, so clients in the same process must be synchronous.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._thread = threading.Thread(target=self._run, name="audiowriter-server", daemon=True)
        self._folder = tempfile.TemporaryDirectory(prefix="audiowriter-")  # mode 0700
        self.target = f"unix:{Path(self._folder.name) / 'socket'}"

    def __enter__(self) -> "EmbeddedServer":
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            raise self._error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._folder.cleanup()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as exc:
            self._error = exc
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = Server(self._settings, address=self.target)
        await server.start()
        self._ready.set()
        await self._stop.wait()
        await server.stop()
