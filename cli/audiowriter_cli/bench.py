"""`audiowriter bench`: runs many concurrent streams and measures their latency.

The load is open: in real time each frame has a due time, as from a live source, and is sent then, however slow the server
is. Latency is counted from the due time. The streams run in separate processes, because one Python process uses only one
core.
"""

import json
import math
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any

import click
import numpy as np
from audiowriter_client.config import stream_config
from audiowriter_client.formats import AUDIO_FORMATS
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.filesize import decimal
from rich.live import Live
from rich.table import Table

from audiowriter_cli.bench_load import RATE_HZ, Load, Tally, work
from audiowriter_cli.server import Server, server_options, server_or_own

LATE_MS = 5.0
"""From this lateness on, the generator's own delay is visible in the latencies."""
BUCKETS_MS = (0, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 50, 75, 100, 200, 500, 1000, math.inf)
PERCENTILES = {"p50": 50, "p90": 90, "p99": 99, "p99.9": 99.9, "max": 100}


@click.command()
@server_options
@click.option("--streams", type=click.IntRange(1, 1000), default=10, show_default=True, help="Concurrent streams.")
@click.option("--format", "format_", type=click.Choice(list(AUDIO_FORMATS)), default="mp3", show_default=True)
@click.option("--frame-ms", type=click.FloatRange(1, 1000), default=20.0, show_default=True, help="Audio per message.")
@click.option("--seconds", type=click.FloatRange(0.1, 3600), default=10.0, show_default=True, help="Audio per stream.")
@click.option("--bulk", is_flag=True, help="Send as fast as possible instead of in real time.")
@click.option("--processes", type=click.IntRange(1, 64), help="Processes that send.  [default: one per core]")
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="Write the figures to this file; - is stdout.",
)
def bench(
    server: Server | None,
    streams: int,
    format_: str,
    frame_ms: float,
    seconds: float,
    bulk: bool,
    processes: int | None,
    json_file: str | None,
) -> None:
    """Load a server with streams and show the latency of their bytes.

    Latency is counted from the moment when a frame is due to the bytes that are received after it. Without --target a
    server runs inside this process.
    """
    given = click.get_current_context().params
    config = stream_config(format=format_, sample_rate_hz=RATE_HZ)
    processes = min(streams, processes or len(os.sched_getaffinity(0)))
    with server_or_own(server) as used:
        named = {name: given[name] for name in ("tls", "tls_ca", "tls_cert", "tls_key")} | {"target": used.target}
        loads = [
            Load(named, config.SerializeToString(), range(number, streams, processes), frame_ms, seconds, bulk)
            for number in range(processes)
        ]
        tally, seconds_taken = _run(loads, streams, Console(stderr=True))
    report = {
        "format": format_,
        "streams": streams,
        "frame_ms": frame_ms,
        "seconds": seconds,
        "bulk": bulk,
        "processes": processes,
        "seconds_taken": round(seconds_taken, 3),
        **_figures(tally, frame_ms),
    }
    if json_file is not None:
        with click.open_file(json_file, "w") as out:
            out.write(json.dumps(report, indent=1) + "\n")
    if json_file != "-":
        _print(tally, report, Console())
    if tally.failed:
        raise click.ClickException(f"{tally.failed} of {streams} streams failed, for example: {tally.errors[0]}")


def _run(loads: list[Load], streams: int, console: Console) -> tuple[Tally, float]:
    tally = Tally()
    with _processes(loads) as pipes:
        for pipe in pipes:
            tally.add(pipe.recv())  # blocks until the process is ready
        begin = time.time()
        for pipe in pipes:
            pipe.send(begin)
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            while pipes:
                for ready in wait(pipes):
                    assert isinstance(ready, Connection)
                    try:
                        tally.add(ready.recv())
                    except EOFError:
                        pipes.remove(ready)
                live.update(_table(tally, streams, tally.frames_sent * loads[0].frame_ms / 1000, time.time() - begin))
        seconds = time.time() - begin
    if lost := streams - tally.finished - tally.failed:
        raise click.ClickException(f"a process of this generator crashed with {lost} streams")
    return tally, seconds


@contextmanager
def _processes(loads: list[Load]) -> Iterator[list[Connection]]:
    # Each process is a fresh interpreter, because forking after gRPC has started its threads is not safe.
    spawn = multiprocessing.get_context("spawn")
    pipes, started = [], []
    try:
        for load in loads:
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=work, args=(load, theirs), daemon=True)
            process.start()
            theirs.close()  # so that `recv` on our end raises EOFError when the process ends
            pipes.append(ours)
            started.append(process)
        yield pipes
    finally:
        for process in started:
            process.terminate()
            process.join()


def _percentiles(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    found = np.percentile(values, list(PERCENTILES.values()), method="higher")
    return {name: round(float(value), 3) for name, value in zip(PERCENTILES, found, strict=True)}


def _figures(tally: Tally, frame_ms: float) -> dict[str, Any]:
    counts, _ = np.histogram(tally.latency, BUCKETS_MS)
    # JSON has no infinity, so the last bucket has no upper bound.
    bounds = (*BUCKETS_MS[1:-1], None)
    return {
        "audio_seconds": round(tally.frames_sent * frame_ms / 1000, 3),
        "finished": tally.finished,
        "failed": tally.failed,
        "errors": tally.errors[:3],
        "bytes": tally.bytes_received,
        "latency_ms": _percentiles(tally.latency),
        "first_audio_ms": _percentiles(tally.first_audio),
        "generator_lateness_ms": _percentiles(tally.lateness),
        "histogram": [[bound, int(count)] for bound, count in zip(bounds, counts, strict=True) if count],
    }


def _table(tally: Tally, streams: int, audio_s: float, running_s: float) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for heading in ("s", "done", "failed", "× live", "out", "p50 ms", "p99 ms", "max ms", "late ms"):
        table.add_column(heading, justify="right")
    latency, lateness = _percentiles(tally.latency), _percentiles(tally.lateness)
    table.add_row(
        f"{running_s:.0f}",
        f"{tally.finished} / {streams}",
        str(tally.failed),
        f"{audio_s / running_s:.1f}",
        decimal(tally.bytes_received),
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
    for name, label in (
        ("latency_ms", "frame to byte"),
        ("first_audio_ms", "start to first audio"),
        ("generator_lateness_ms", "this generator's lateness"),
    ):
        if report[name]:
            table.add_row(label, *(f"{value:.1f}" for value in report[name].values()))
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
            f"This generator was late (p99 {late:.1f} ms), so the latencies are partly its own. Use fewer streams, more "
            "processes, or a separate machine for it.",
            style="yellow",
        )
