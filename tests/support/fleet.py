"""Several servers behind one target, of which the one that has the stream can be ended."""

import signal
import time
from contextlib import ExitStack
from typing import Self

from support.metrics import Metrics
from support.server import LIMIT_S, ServerProcess
from support.streams import config, speechlike

PCM = speechlike(96_000).tobytes()
PART = 100_001
"""Bytes; it ends inside a sample."""
RAW = config("pcm")


class Fleet:
    """`target`: all servers, of which a client uses one per stream."""

    def __init__(self, servers: int, *flags: str) -> None:
        self._resources = ExitStack()
        self.servers: dict[ServerProcess, Metrics] = {}
        for _ in range(servers):
            self.add(*flags)
        self.target = ",".join(server.target for server in self.servers)

    def add(self, *flags: str, program: tuple[str, ...] = ("-m", "audiowriter_server")) -> ServerProcess:
        """Start a server. Only those that are started by the constructor are in `target`."""
        metrics = Metrics()
        server = self._resources.enter_context(ServerProcess(metrics.flag, *flags, program=program))
        self.servers[server] = metrics
        return server

    def holder(self) -> ServerProcess:
        """Return the server that has the only live stream, as soon as one has it."""
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            for server, metrics in self.servers.items():
                if server.process.poll() is None and metrics.total("audiowriter_live_streams"):
                    return server
            time.sleep(0.01)
        raise AssertionError("no server has the stream")

    def kill_holder(self) -> ServerProcess:
        """End the server that has the stream with SIGKILL."""
        server = self.holder()
        server.signal(signal.SIGKILL)
        server.wait()
        return server

    def resumed(self) -> list[tuple[int, str]]:
        """Return offset and code of the resumed streams that have ended, except those of servers that were killed."""
        lines = [line for server in self.servers for line in server.calls()]
        return sorted((line["resume_offset"], line["code"]) for line in lines if line.get("resumed"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()
