"""`audiowriter bench`: many streams at a time, and how long their bytes took.

The load is open: in real time each frame has the moment at which a live source would give it, is sent then, and latency
is counted from then, however slow the server is. The streams run in processes of their own, because one Python process
has one core.
"""

import asyncio
import json
import math
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, fields
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import IO, Any

import click
import grpc
import grpc.aio
import numpy as np
from audiowriter.v1.audio_writer_pb2 import EncodeStreamRequest, StreamConfig
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table

from audiowriter_client.aio_status import CallStatus
from audiowriter_client.cli.server import Server, server_options, server_or_own
from audiowriter_client.config import AUDIO_FORMATS, stream_config
from audiowriter_client.connection import connect_aio, service

RATE_HZ = 24_000
STREAMS_A_CONNECTION = 50
RAMP_S = 1.0
"""Starts in real time are spread over this, or all frames would come at once."""
GOLDEN_RATIO = 0.6180339887498949
REPORT_S = 0.5
GRACE_S = 10.0
"""How long after its time a stream in real time may still run."""
BULK_LIMIT_S = 3600.0
LATE_MS = 5.0
"""From here on the generator's own lateness shows in the latencies."""
BUCKETS_MS = (0, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 50, 75, 100, 200, 500, 1000, math.inf)
PERCENTILES = {"p50": 50, "p90": 90, "p99": 99, "p99.9": 99.9, "max": 100}


@dataclass(frozen=True)
class Load:
    """What one process is to do. Goes to another process, and so holds no credentials, but the options that name them."""

    server: dict[str, Any]
    config: bytes
    streams: range
    all_streams: int
    frame_ms: float
    seconds: float
    bulk: bool
    begin: float
    """By time.time, the same for all processes."""

    @property
    def frames(self) -> int:
        return max(1, round(self.seconds * 1000 / self.frame_ms))


@dataclass
class Tally:
    """What came; times in ms."""

    latency: list[float] = field(default_factory=list)
    first_audio: list[float] = field(default_factory=list)
    """From the start of the stream."""
    lateness: list[float] = field(default_factory=list)
    """Of this generator in sending what it could send."""
    frames_sent: int = 0
    bytes_received: int = 0
    finished: int = 0
    failed: int = 0
    errors: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Take in what another one counted."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


@click.command()
@server_options
@click.option("--streams", type=click.IntRange(1, 1000), default=10, show_default=True, help="At a time.")
@click.option("--format", "format_", type=click.Choice(list(AUDIO_FORMATS)), default="mp3", show_default=True)
@click.option("--frame-ms", type=click.FloatRange(1, 1000), default=20.0, show_default=True, help="Audio in a message.")
@click.option("--seconds", type=click.FloatRange(0.1, 3600), default=10.0, show_default=True, help="Audio in a stream.")
@click.option("--bulk", is_flag=True, help="Send as fast as the server takes it, instead of in real time.")
@click.option("--processes", type=click.IntRange(1, 64), help="That send.  [default: one a core]")
@click.option("--json", "json_file", type=click.File("w"), help="Write the figures there; - is stdout.")
def bench(
    server: Server | None,
    streams: int,
    format_: str,
    frame_ms: float,
    seconds: float,
    bulk: bool,
    processes: int | None,
    json_file: IO[str] | None,
) -> None:
    """Load a server with streams and show how long their bytes take.

    Latency is from the moment at which a frame is due to the bytes that come out after it. Without --target a server runs
    inside this process.
    """
    given = click.get_current_context().params
    config = stream_config(format=format_, sample_rate_hz=RATE_HZ)
    processes = min(streams, processes or len(os.sched_getaffinity(0)))
    with ExitStack() as stack:
        own = stack.enter_context(server_or_own(server))
        named = {name: given[name] for name in ("tls", "tls_ca", "tls_cert", "tls_key")} | {"target": own.target}
        begin = time.time() + 1.0  # by then the processes are up
        loads = [
            Load(
                named,
                config.SerializeToString(),
                range(number, streams, processes),
                streams,
                frame_ms,
                seconds,
                bulk,
                begin,
            )
            for number in range(processes)
        ]
        tally = _run(loads, Console(stderr=True))
        report = _report(
            tally,
            loads[0],
            format=format_,
            streams=streams,
            frame_ms=frame_ms,
            seconds=seconds,
            bulk=bulk,
            processes=processes,
        )
    if json_file is not None:
        json.dump(report, json_file, indent=1)
        json_file.write("\n")
    if json_file is not sys.stdout:
        _print(tally, report, Console())
    if tally.failed:
        raise click.ClickException(f"{tally.failed} of {streams} streams failed, such as: {tally.errors[0]}")


def _run(loads: list[Load], console: Console) -> Tally:
    tally = Tally()
    # A fresh interpreter each: to fork after gRPC has started its threads is not safe.
    spawn = multiprocessing.get_context("spawn")
    with _processes(spawn, loads) as readers, Live(console=console, refresh_per_second=4, transient=True) as live:
        while readers:
            for reader in wait(readers):
                assert isinstance(reader, Connection)
                try:
                    tally.add(reader.recv())
                except EOFError:
                    readers.remove(reader)
            live.update(_table(tally, loads))
    lost = sum(len(load.streams) for load in loads) - tally.finished - tally.failed
    if lost:
        raise click.ClickException(f"a process died with {lost} streams")
    return tally


@contextmanager
def _processes(spawn: Any, loads: list[Load]) -> Iterator[list[Connection]]:
    readers, started = [], []
    try:
        for load in loads:
            reader, writer = spawn.Pipe(duplex=False)
            process = spawn.Process(target=_work, args=(load, writer), daemon=True)
            process.start()
            writer.close()  # so that the reader sees the end when the process ends
            readers.append(reader)
            started.append(process)
        yield readers
    finally:
        for process in started:
            process.terminate()
            process.join()


def _work(load: Load, writer: Connection) -> None:
    with suppress(KeyboardInterrupt):
        asyncio.run(_Generator(load, writer).run())


@server_options
def _server(server: Server | None) -> Server:
    assert server is not None
    return server


class _Generator:
    """The streams of one process."""

    def __init__(self, load: Load, writer: Connection) -> None:
        self._load, self._writer = load, writer
        self._tally = Tally()
        self._config = StreamConfig.FromString(load.config)
        # The system's clock tells all processes when to begin; time.perf_counter goes on evenly from there.
        self._begin = time.perf_counter() + load.begin - time.time()
        time_s = np.arange(RATE_HZ) / RATE_HZ
        noise = np.random.default_rng(1).normal(0, 500, RATE_HZ)
        self._frame = RATE_HZ * load.frame_ms / 1000
        hum = (8000 * np.sin(2 * np.pi * 220 * time_s) + noise).astype("<i2")
        self._pcm = np.tile(hum, 2 + int(self._frame) // RATE_HZ).tobytes()

    async def run(self) -> None:
        """Run them all, and tell the process above twice a second."""
        server, streams = _server(**self._load.server), self._load.streams
        connections = [connect_aio(server.target, server.credentials) for _ in streams[::STREAMS_A_CONNECTION]]
        reports = asyncio.create_task(self._tell())
        async with AsyncExitStack() as stack:
            channels = [await stack.enter_async_context(connection) for connection in connections]
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
        self._writer.send(self._tally)
        self._tally = Tally()

    async def _stream(self, channel: grpc.aio.Channel, server: Server, number: int) -> None:
        load, start = self._load, self._begin
        if not load.bulk:  # spread so that neither the starts nor the frames fall together
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
        # Its error is the reader's as well, and told there.
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await call.write(EncodeStreamRequest(config=self._config))
            for number in range(load.frames):
                if not load.bulk:
                    due = start + number * load.frame_ms / 1000
                    await _sleep_until(due)
                    # What the server held back is not this generator's lateness.
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
                # The last frame that the server had taken in, and what comes after the last of all, is not live.
                frame = math.ceil(samples / self._frame) - 1
                if not self._load.bulk and 0 <= frame < self._load.frames - 1:
                    due = start + frame * self._load.frame_ms / 1000
                    self._tally.latency.append((now - due) * 1000)


async def _sleep_until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.perf_counter()))


def _percentiles(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    found = np.percentile(values, list(PERCENTILES.values()), method="higher")
    return {name: round(float(value), 3) for name, value in zip(PERCENTILES, found, strict=True)}


def _report(tally: Tally, load: Load, **told: Any) -> dict[str, Any]:
    counts, _ = np.histogram(tally.latency, BUCKETS_MS)
    # JSON has no infinity: the last bucket has no upper bound.
    bounds = (*BUCKETS_MS[1:-1], None)
    return told | {
        "finished": tally.finished,
        "failed": tally.failed,
        "errors": tally.errors[:3],
        "seconds_taken": round(time.time() - load.begin, 3),
        "audio_seconds": round(tally.frames_sent * load.frame_ms / 1000, 3),
        "bytes": tally.bytes_received,
        "latency_ms": _percentiles(tally.latency),
        "first_audio_ms": _percentiles(tally.first_audio),
        "generator_lateness_ms": _percentiles(tally.lateness),
        "histogram": [[bound, int(count)] for bound, count in zip(bounds, counts, strict=True) if count],
    }


def _table(tally: Tally, loads: list[Load]) -> Table:
    load = loads[0]
    audio_s = tally.frames_sent * load.frame_ms / 1000
    running_s = max(0.0, time.time() - load.begin)
    table = Table(box=SIMPLE_HEAD)
    for heading in (
        "s",
        "finished",
        "failed",
        "audio s",
        "× real time",
        "bytes",
        "p50 ms",
        "p99 ms",
        "max ms",
        "late ms",
    ):
        table.add_column(heading, justify="right")
    latency, lateness = _percentiles(tally.latency), _percentiles(tally.lateness)
    table.add_row(
        f"{running_s:.0f}",
        f"{tally.finished} / {load.all_streams}",
        str(tally.failed),
        f"{audio_s:.0f}",
        f"{audio_s / running_s:.1f}" if running_s else "–",
        f"{tally.bytes_received:,}",
        *(f"{latency[name]:.1f}" if latency else "–" for name in ("p50", "p99", "max")),
        f"{lateness['p99']:.1f}" if lateness else "–",
    )
    return table


def _print(tally: Tally, report: dict[str, Any], console: Console) -> None:
    console.print(
        f"{report['audio_seconds']:.0f} s of audio in {report['seconds_taken']:.1f} s, {tally.finished} streams finished, "
        f"{tally.failed} failed, {tally.bytes_received:,} bytes",
        highlight=False,
    )
    table = Table(box=SIMPLE_HEAD)
    for heading in ("ms", *PERCENTILES):
        table.add_column(heading, justify="left" if heading == "ms" else "right")
    for name, told in (
        ("latency_ms", "frame to byte"),
        ("first_audio_ms", "start to first audio"),
        ("generator_lateness_ms", "this generator's lateness"),
    ):
        if report[name]:
            table.add_row(told, *(f"{value:.1f}" for value in report[name].values()))
    if table.row_count:
        console.print(table)
    most = max((count for _, count in report["histogram"]), default=0)
    lower = 0.0
    for upper, count in report["histogram"]:
        until = f"… {upper:g}" if upper is not None else "…"
        console.print(f"{lower:>7g} {until:<6} ms {count:>9,} {'█' * math.ceil(40 * count / most)}", highlight=False)
        lower = upper or lower
    late = report["generator_lateness_ms"].get("p99", 0)
    if late > LATE_MS:
        console.print(
            f"This generator was late itself (p99 {late:.1f} ms): the latencies are partly its own. Fewer streams, more "
            "processes, or a machine of its own for it.",
            style="yellow",
        )
