"""One process of `audiowriter bench`: runs its share of the streams."""

import asyncio
import math
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, fields
from multiprocessing.connection import Connection
from typing import Any

import grpc
import grpc.aio
import numpy as np
from audiowriter.v1.audio_writer_pb2 import EncodeStreamRequest, StreamConfig
from audiowriter_client.aio_status import CallStatus
from audiowriter_client.connection import connect_aio, service

from audiowriter_cli.server import Server, server_options

RATE_HZ = 24_000
STREAMS_PER_CONNECTION = 50
"""Half of the server's default limit."""
RAMP_S = 1.0
"""Starts in real time are spread over this time, so that frames are not all sent at the same moment."""
GOLDEN_RATIO = 0.6180339887498949
REPORT_S = 0.5
CONNECT_S = 5.0
GRACE_S = 10.0
"""How long a stream in real time may run after its planned end."""
BULK_LIMIT_S = 3600.0


@dataclass(frozen=True)
class Load:
    """The load of one process. It is sent to that process, so it holds the options instead of the credentials."""

    server: dict[str, Any]
    config: bytes
    streams: range
    frame_ms: float
    seconds: float
    bulk: bool

    @property
    def frames(self) -> int:
        return max(1, round(self.seconds * 1000 / self.frame_ms))


@dataclass
class Tally:
    """Results of streams; times in ms."""

    latency: list[float] = field(default_factory=list)
    first_audio: list[float] = field(default_factory=list)
    """Counted from the start of the stream."""
    lateness: list[float] = field(default_factory=list)
    """How late this generator sent frames that it could have sent."""
    frames_sent: int = 0
    bytes_received: int = 0
    finished: int = 0
    failed: int = 0
    errors: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Add the results of another tally."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


def work(load: Load, pipe: Connection) -> None:
    """Report when the connections are open, wait for the start time, then send the results twice per second."""
    with suppress(KeyboardInterrupt):
        asyncio.run(_Generator(load, pipe).run())


@server_options
def _server(server: Server | None) -> Server:
    assert server is not None
    return server


class _Generator:
    """Runs the streams of one process."""

    def __init__(self, load: Load, pipe: Connection) -> None:
        self._load, self._pipe = load, pipe
        self._tally = Tally()
        self._config = StreamConfig.FromString(load.config)
        self._begin = 0.0
        time_s = np.arange(RATE_HZ) / RATE_HZ
        noise = np.random.default_rng(1).normal(0, 500, RATE_HZ)
        self._frame = RATE_HZ * load.frame_ms / 1000
        hum = (8000 * np.sin(2 * np.pi * 220 * time_s) + noise).astype("<i2")
        self._pcm = np.tile(hum, 2 + int(self._frame) // RATE_HZ).tobytes()

    async def run(self) -> None:
        """Run all streams."""
        server, streams = _server(**self._load.server), self._load.streams
        connections = [connect_aio(server.target, server.credentials) for _ in streams[::STREAMS_PER_CONNECTION]]
        async with AsyncExitStack() as stack:
            channels = [await stack.enter_async_context(connection) for connection in connections]
            with suppress(TimeoutError):  # then the streams report the reason
                async with asyncio.timeout(CONNECT_S):
                    await asyncio.gather(*(channel.channel_ready() for channel in channels))
            self._send()
            # The system's clock gives all processes the same start time; time.perf_counter is used from there because
            # it is steady.
            self._begin = time.perf_counter() + self._pipe.recv() - time.time()
            reports = asyncio.create_task(self._tell())
            async with asyncio.TaskGroup() as group:
                for position, number in enumerate(streams):
                    group.create_task(self._stream(channels[position % len(channels)], server, number))
        reports.cancel()
        self._send()

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(REPORT_S)
            self._send()

    def _send(self) -> None:
        self._pipe.send(self._tally)
        self._tally = Tally()

    async def _stream(self, channel: grpc.aio.Channel, server: Server, number: int) -> None:
        load, start = self._load, self._begin
        if not load.bulk:  # spread, so that neither starts nor frames coincide
            start += number * GOLDEN_RATIO % 1 * RAMP_S
        await _sleep_until(start)
        start = max(start, time.perf_counter()) if load.bulk else start
        limit = BULK_LIMIT_S if load.bulk else load.seconds + GRACE_S
        call = service(channel).EncodeStream(timeout=limit, metadata=server.metadata)
        status = CallStatus(call)
        sender = asyncio.create_task(self._write(call, start))
        try:
            await self._read(call, start)
            self._tally.finished += 1
        except grpc.aio.AioRpcError as error:
            raised = await status.behind(error)
            self._tally.failed += 1
            self._tally.errors.append(f"{raised.code().name}: {raised.details()}")
        finally:
            sender.cancel()

    async def _write(self, call: Any, start: float) -> None:
        load, free = self._load, start
        # The reader gets the same error and reports it.
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await call.write(EncodeStreamRequest(config=self._config))
            for number in range(load.frames):
                if not load.bulk:
                    due = start + number * load.frame_ms / 1000
                    await _sleep_until(due)
                    # Waiting for the server does not count as lateness of this generator.
                    self._tally.lateness.append((time.perf_counter() - max(due, free)) * 1000)
                await call.write(EncodeStreamRequest(pcm=self._pcm_of(number)))
                self._tally.frames_sent += 1
                free = time.perf_counter()
            await call.done_writing()

    def _pcm_of(self, number: int) -> bytes:
        begin, end = round(self._frame * number), round(self._frame * (number + 1))
        offset = begin % RATE_HZ
        return self._pcm[2 * offset : 2 * (offset + end - begin)]

    async def _read(self, call: Any, start: float) -> None:
        first = True
        async for response in call:
            now = time.perf_counter()
            if response.HasField("finished"):
                self._tally.bytes_received += len(response.finished.trailer)
            elif response.HasField("chunk"):
                self._tally.bytes_received += len(response.chunk.data)
                samples = response.chunk.input_samples
                if samples and first:
                    self._tally.first_audio.append((now - start) * 1000)
                    first = False
                # The last frame that the server has read, and bytes after the last frame of the stream, do not count as
                # live.
                frame = math.ceil(samples / self._frame) - 1
                if not self._load.bulk and 0 <= frame < self._load.frames - 1:
                    due = start + frame * self._load.frame_ms / 1000
                    self._tally.latency.append((now - due) * 1000)


async def _sleep_until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.perf_counter()))
