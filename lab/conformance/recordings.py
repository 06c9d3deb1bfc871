"""Cases with positions and channels: random packets, and the frames that a plain model makes of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from support.recordings import Placed, Write, clock, corrected, noise

RATE = 8000

_OUTPUTS = ("FLAC", "WAV", "PCM")
"""Formats of the cases, in turn. All are lossless."""


@dataclass(frozen=True)
class Recording:
    """A stream of packets."""

    name: str
    entry: dict[str, Any]
    """Further fields of the case, as in cases.json."""
    places: list[tuple[int, int, int]]
    """Bytes, position (-1: none) and channel of each write."""
    pcm: Path
    frames: NDArray[Any]
    """The expected samples, of shape (n, channels)."""
    tolerance: int = 0
    """By how much a sample may differ from `frames`."""
    totals: dict[str, int] = field(default_factory=dict)
    """Expected fields of Totals."""


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield the cases. Their PCM is written to files in `folder`."""
    for channels in range(1, 9):
        yield _exact(folder, channels, np.random.default_rng(channels))
    for channels in (2, 5):
        yield _drifting(folder, channels, np.random.default_rng(channels))


def _exact(folder: Path, channels: int, random: np.random.Generator) -> Recording:
    """Lost, doubled and reordered packets of 20 ms; channels interleaved at random."""
    waiting: list[list[Write]] = []
    for channel in range(1, channels + 1):
        start, packets = int(random.integers(0, 900)), []
        for number in range(40):
            position = start + 160 * number
            packets += [Write(noise(160, 100 * channel + number), position, channel)] * int(
                random.choice(3, p=[0.1, 0.8, 0.1])
            )
        for place in random.integers(0, len(packets) - 1, 4).tolist():
            packets[place], packets[place + 1] = packets[place + 1], packets[place]
        waiting.append(packets)
    writes: list[Write] = []
    while any(waiting):
        packets = waiting[int(random.integers(len(waiting)))]
        writes += packets[: int(random.integers(1, 4))]
        del packets[: int(random.integers(1, 4))]
    model = Placed(channels, skew=RATE // 4)
    for write in writes:
        model.write(write)
    lost = {"lost": [{"received": 20_000}]} if channels in (2, 7) else {}
    return Recording(
        f"{channels} channels" + ", a server is lost" * bool(lost),
        {
            "sink": "stream" if channels % 3 == 0 else "path",
            **lost,
            "config": _config(channels, channels, "max_skew", 0.25),
        },
        *_written(folder / f"placed-{channels}.pcm", writes),
        frames=model.frames,
        totals={"filled_samples": model.filled, "dropped_samples": model.dropped},
    )


def _drifting(folder: Path, channels: int, random: np.random.Generator) -> Recording:
    """Sources with clocks of their own."""
    clocks = [clock(float(random.uniform(-500, 500)), RATE, 3, 160, 4, seed=number) for number in range(channels)]
    writes = [
        Write(samples, position, number + 1)
        for packets in zip(*clocks, strict=True)
        for number, (position, samples) in enumerate(packets)
    ]
    lines = [corrected(packets, RATE, slack=RATE * 15 // 1000) for packets in clocks]
    frames = np.zeros((max(map(len, lines)), channels))
    for number, line in enumerate(lines):
        frames[: len(line), number] = line
    return Recording(
        f"{channels} clocks",
        {"config": _config(channels, channels, "max_jitter", 0.015)},
        *_written(folder / f"clocks-{channels}.pcm", writes),
        frames=frames,
        tolerance=1,
    )


def _config(number: int, channels: int, option: str, seconds: float) -> dict[str, Any]:
    output = _OUTPUTS[number % len(_OUTPUTS)]
    return {
        "input": {"sampleRateHz": RATE, "channels": channels, option: f"{seconds}s"},
        "output": {"format": f"AUDIO_FORMAT_{output}"},
    }


def _written(path: Path, writes: list[Write]) -> tuple[list[tuple[int, int, int]], Path]:
    path.write_bytes(b"".join(write.samples.tobytes() for write in writes))
    places = [
        (2 * len(write.samples), -1 if write.position is None else write.position, write.channel) for write in writes
    ]
    return places, path
