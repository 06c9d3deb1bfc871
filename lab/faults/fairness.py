"""Fairness: the latency of a stream of 20 ms frames while other streams saturate the server."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from audiowriter_client import AudioWriter
from support.server import LIMIT_S, channel_to, poll
from support.streams import config

from lab.faults.beside import FRAME_BYTES, FRAME_S, RATE, speech
from lab.faults.bulk import COSTLIEST
from lab.faults.watch import Watched, cpu_seconds

ALONE_S, LOADED_S = 3.0, 10.0
TARGET_S = 0.05
BUSY_CORES = 0.3
BULK_STREAMS, REPLAYS = 4, 20


def beside_bulk(server: Watched, tries: int) -> Counter[str]:
    """Measure the latency of frames beside streams that are sent as fast as the server reads them."""
    return _frame_latency(server, tries, BULK_STREAMS)


def beside_replays(server: Watched, tries: int) -> Counter[str]:
    """Measure the latency of frames beside streams whose server was lost, and which begin again here."""
    return _frame_latency(server, tries, REPLAYS, "--replays")


def _frame_latency(server: Watched, tries: int, streams: int, *flags: str) -> Counter[str]:
    """Measure the time from frame to byte, first alone and then beside other streams. The best try counts.

    If other processes keep the machine busy in every try, the figure is reported but not checked.
    """
    alone = p99(server.target, ALONE_S)
    found = []
    with _bulk(server, streams, *flags) as bulk:
        for _ in range(tries):
            begin, of_server, of_others = time.monotonic(), server.cpu_seconds(), cpu_of_others(server, bulk)
            loaded = p99(server.target, LOADED_S)
            seconds = time.monotonic() - begin
            cores = (server.cpu_seconds() - of_server) / seconds
            others = (cpu_of_others(server, bulk) - of_others) / seconds
            found.append((loaded, cores, others))
            if loaded < TARGET_S:
                break
    loaded, cores, others = min(found)
    figures = f"p99 {loaded * 1000:.0f} ms (alone {alone * 1000:.0f} ms) beside {streams} of {COSTLIEST}"
    figures += f"; server on {cores:.1f} cores, others on {others:.1f}"
    if loaded >= TARGET_S and all(others > BUSY_CORES for *_, others in found):
        return Counter({f"not checked: {figures}": 1})
    assert loaded < TARGET_S, f"{figures}: over {TARGET_S * 1000:.0f} ms"
    return Counter({figures: 1})


def cpu_of_others(server: Watched, bulk: int) -> float:
    """Return the CPU seconds of all other processes: user, nice, system, interrupts. proc_stat(5)."""
    user, nice, system, _, _, *interrupts = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:8])
    busy = (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")
    return busy - server.cpu_seconds() - cpu_seconds(bulk) - time.process_time()


def p99(target: str, seconds: float, metadata: Sequence[tuple[str, str]] = ()) -> float:
    """Send frames by the clock (open loop): a delay counts from the due time, whatever causes it. Check the bytes."""
    delays: list[float] = []
    received, begin = bytearray(), 0.0

    def arrive(data: bytes) -> None:
        received.extend(data)
        now = time.monotonic()
        while (len(delays) + 1) * FRAME_BYTES <= len(received):
            delays.append(now - begin - len(delays) * FRAME_S)

    frames = round(seconds / FRAME_S)
    # PCM, because each input byte is an output byte: only the waiting time is measured.
    with (
        channel_to(target) as channel,
        AudioWriter.open(channel, config("pcm", RATE), arrive, metadata=metadata) as writer,
    ):
        assert writer.started.mime_type
        begin = time.monotonic()
        for number in range(frames):
            time.sleep(max(0, begin + number * FRAME_S - time.monotonic()))
            writer.write(speech(FRAME_BYTES, number * FRAME_BYTES))
    assert received == speech(frames * FRAME_BYTES), "frames were lost or damaged"
    return sorted(delays)[frames * 99 // 100]


@contextmanager
def _bulk(server: Watched, streams: int, *flags: str) -> Iterator[int]:
    """Start the other streams and yield the ID of their process."""
    command = [sys.executable, "-m", "lab.faults.bulk", server.target, str(streams), *flags]
    path = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as process:
        try:
            poll(lambda: server.live() == streams, "the bulk streams do not start")
            yield process.pid
            process.communicate(timeout=LIMIT_S)
            assert process.returncode == 0, "a bulk stream was lost"
        finally:
            process.kill()
