"""Measures a live stream of each format: CPU time and memory of the server, CPU time of Envoy, bytes on the wire.

`make scaling-cost` writes docs/scaling-cost.json, from which the tables of docs/scaling.md are generated.

Streams run in real time through Envoy, in messages of 20 ms and of 100 ms, because most of the cost is per message and
not per byte. CPU time is measured per process, so a busy machine makes the figures slightly worse, but never better.
"""

import asyncio
import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import grpc.aio
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_client import AsyncAudioWriter, list_formats
from support.server import ServerProcess
from support.streams import speechlike

from lab.envoy.envoy import ROOT, Envoy, one_server

OUT = ROOT / "docs/scaling-cost.json"
RATE = 24_000
MESSAGES_MS = (20, 100)
STREAMS = 20
WARM_STREAMS = 2
SETTLE_S, MEASURED_S = 1.0, 4.0
_SPEECH = speechlike(RATE).tobytes()
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> int:
    with ServerProcess() as server:
        names = {info.name: info.format for info in list_formats(server.target)}
    formats: dict[str, dict[int, dict[str, float]]] = {}
    for name, number in names.items():
        formats[name] = {message_ms: _measure(number, message_ms) for message_ms in MESSAGES_MS}
        for message_ms, cost in formats[name].items():
            print(
                f"{name:10}{message_ms:4} ms" + "".join(f"  {key} {value:,}" for key, value in cost.items()), flush=True
            )
    figures = {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": _cpu(),
        "load_per_core": round(os.getloadavg()[2] / (os.cpu_count() or 1), 1),
        "streams": STREAMS,
        "sample_rate_hz": RATE,
        "formats": formats,
    }
    OUT.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def _measure(number: int, message_ms: int) -> dict[str, float]:
    """Measure one format with a fresh server and a fresh Envoy."""
    with one_server() as (server, envoy):
        return asyncio.run(_run(number, message_ms, server, envoy))


async def _run(number: int, message_ms: int, server: ServerProcess, envoy: Envoy) -> dict[str, float]:
    config = pb.StreamConfig(
        input=pb.PcmInput(sample_rate_hz=RATE, channels=1), output=pb.AudioOutput(format=pb.AudioFormat.Name(number))
    )
    encoded = 0
    size = 2 * RATE * message_ms // 1000
    messages = [_SPEECH[at : at + size] for at in range(0, len(_SPEECH), size)]

    def count(data: bytes) -> None:
        nonlocal encoded
        encoded += len(data)

    async def speak(seconds: float, phase: float) -> None:
        async with AsyncAudioWriter.open(channel, config, count) as writer:
            due = time.monotonic() + phase * message_ms / 1000
            for turn in range(round(seconds * 1000 / message_ms)):
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                await writer.write(messages[turn % len(messages)])
                due += message_ms / 1000

    async def together(streams: int, seconds: float) -> None:
        # Not all at the same time: messages of independent clients are spread over time.
        await asyncio.gather(*(speak(seconds, turn / streams) for turn in range(streams)))

    async with grpc.aio.insecure_channel(envoy.target) as channel:
        await together(WARM_STREAMS, SETTLE_S)
        memory = server.resident_bytes()
        running = asyncio.create_task(together(STREAMS, SETTLE_S + MEASURED_S + SETTLE_S))
        await asyncio.sleep(SETTLE_S)
        begin = time.monotonic(), _cpu_s(server.process.pid), _cpu_s(envoy.process.pid), encoded
        await asyncio.sleep(MEASURED_S)
        end = time.monotonic(), _cpu_s(server.process.pid), _cpu_s(envoy.process.pid), encoded
        memory = server.resident_bytes() - memory
        await running
    seconds, server_s, envoy_s, got = (after - before for before, after in zip(begin, end, strict=True))
    audio_s = seconds * STREAMS
    return {
        "server_ms_per_s": round(server_s / audio_s * 1000, 2),
        "envoy_ms_per_s": round(envoy_s / audio_s * 1000, 2),
        "memory_bytes": max(0, memory // STREAMS),
        "encoded_bytes_per_s": round(got / audio_s),
    }


def _cpu_s(pid: int) -> float:
    """Return the CPU time of a process and its threads."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICKS


def _cpu() -> str:
    named = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return named[0].partition(": ")[2] if named else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
