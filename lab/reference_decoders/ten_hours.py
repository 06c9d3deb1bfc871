"""Ten hours of audio through each format: memory must not grow, and the encoder must be faster than real time.

    make judges-long        every format, one after the other, each in a fresh process; prints a table in Markdown

Needs Linux: the resident set is read from /proc.
"""

import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_server.rpc.format_info import list_formats
from audiowriter_server.rpc.session import Session

from lab.reference_decoders.signals import SPEECH_RATE, speech

HOURS = 10.0
MESSAGE_MS = 100
TOLERANCE_MB = 5.0

_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass(frozen=True)
class Figures:
    """The results of one run."""

    name: str
    hours: float
    """Hours of audio."""
    output_mb: float
    speed: float
    """Seconds of audio per second."""
    resident_mb: list[float]
    """Resident set after each minute of audio and at the end."""

    def __str__(self) -> str:
        levels = self.resident_mb
        resident = f"{levels[0]:.1f} MB | {min(levels):.1f} to {max(levels):.1f} MB"
        return f"| {self.name} | {self.hours:.2f} | {self.output_mb:.0f} MB | {self.speed:.0f} × | {resident} |"

    @property
    def good(self) -> bool:
        return self.speed > 1 and max(abs(level - self.resident_mb[0]) for level in self.resident_mb) <= TOLERANCE_MB


def run(name: str) -> Figures:
    """Encode speech in a loop."""
    info = next(info for info in list_formats().formats if info.name == name)
    pcm = speech().tobytes()
    step = SPEECH_RATE * 2 * MESSAGE_MS // 1000
    messages = [pb.EncodeStreamRequest(pcm=pcm[at : at + step]) for at in range(0, len(pcm) - step + 1, step)]
    config = pb.StreamConfig(input=pb.PcmInput(sample_rate_hz=SPEECH_RATE), output=pb.AudioOutput(format=info.format))
    session = Session()
    encoder = session.configure(config)
    levels = []
    start = time.monotonic()
    session.receive(pb.EncodeStreamRequest(config=config))
    for number, message in enumerate(islice(cycle(messages), round(HOURS * 3_600_000 / MESSAGE_MS)), 1):
        session.receive(message)
        if number * MESSAGE_MS % 60_000 == 0:
            levels.append(_resident_mb())
    session.finish()
    seconds = time.monotonic() - start
    levels.append(_resident_mb())
    session.close()
    return Figures(name, encoder.input_seconds / 3600, encoder.bytes_out / 1e6, encoder.input_seconds / seconds, levels)


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_MB


def main(names: list[str]) -> int:
    """Run the formats of these names, or all. Return the exit code."""
    print("| format | hours of audio | output | × real time | resident after a minute | and from then on |")
    print("|---|---|---|---|---|---|", flush=True)
    good = True
    fresh = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1)
    with fresh:
        for figures in fresh.map(run, names or [info.name for info in list_formats().formats]):
            print(figures, flush=True)
            good = good and figures.good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
