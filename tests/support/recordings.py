"""Recordings in packets, and plain models of the frames that become of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Any

import numpy as np
from audiowriter_core.audio.interpolation import HALF
from numpy.typing import NDArray

Packet = tuple[int, NDArray[Any]]
"""Position and samples."""


@dataclass
class Write:
    """The PCM of one request."""

    samples: NDArray[Any]
    position: int | None = None
    channel: int = 0


@dataclass
class Placed:
    """The frames of a stream with exact positions, sample by sample."""

    channels: int
    skew: int
    values: dict[tuple[int, int], int] = field(default_factory=dict)
    """By channel, from 0, and position."""
    next: dict[int, int] = field(default_factory=dict)
    first_waiting: int = 0
    length: int = 0
    dropped: int = 0

    def write(self, write: Write) -> None:
        position = self.next.get(write.channel, 0) if write.position is None else write.position
        columns = [write.channel - 1] if write.channel else range(self.channels)
        samples = write.samples.reshape(-1, len(columns)).tolist()
        for place, frame in enumerate(samples, position):
            for column, value in zip(columns, frame, strict=True):
                if place < self.first_waiting or (column, place) in self.values:
                    self.dropped += 1
                else:
                    self.values[column, place] = value
        self.next[write.channel] = position + len(samples)
        self.length = max(self.length, position + len(samples))
        while all((column, self.first_waiting) in self.values for column in range(self.channels)):
            self.first_waiting += 1
        self.first_waiting = max(self.first_waiting, self.length - self.skew)

    @property
    def frames(self) -> NDArray[np.int16]:
        frames = np.zeros((self.length, self.channels), np.int16)
        for (column, place), value in self.values.items():
            frames[place, column] = value
        return frames

    @property
    def filled(self) -> int:
        return self.length * self.channels - len(self.values)


def noise(frames: int, seed: int, channels: int = 1) -> NDArray[np.int16]:
    made = np.random.default_rng(seed).integers(-30000, 30000, (frames, channels), np.int16)
    return made[:, 0] if channels == 1 else made


def clock(ppm: float, rate: int, seconds: float, frames: int, jitter_ms: float = 0, seed: int = 1) -> list[Packet]:
    """Return speech-like packets of a source whose clock is `ppm` fast, with the positions of an exact clock."""
    count = int(seconds * rate)
    place = np.arange(count) / (1 + ppm * 1e-6)
    samples = np.rint(voice(place, rate)).astype("<i2")
    random = np.random.default_rng(seed)
    packets = []
    for start in range(0, count, frames):
        jitter = random.uniform(-jitter_ms, jitter_ms) * rate / 1000 if start else 0
        packets.append((max(0, round(place[start] + jitter)), samples[start : start + frames]))
    return packets


def voice(place: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Return harmonics whose pitch and loudness change, at these places in samples."""
    seconds = place / rate
    phase = 2 * np.pi * (150 * seconds + 6 * np.sin(2 * np.pi * 0.7 * seconds))
    loud = 0.6 + 0.4 * np.sin(2 * np.pi * 0.31 * seconds)
    numbers = range(1, int(rate / 2.5 / 200))
    return np.asarray(loud * sum(5000 / number * np.sin(number * phase) for number in numbers))


def late_ms(heard: NDArray[Any], spoken: NDArray[Any], rate: int) -> float:
    """Return how late a voice is, in ms, by the shift with the highest correlation. Shapes: (frames,)."""
    size = 2 * max(len(heard), len(spoken))
    product = np.fft.rfft(heard.astype(float), size) * np.conj(np.fft.rfft(spoken.astype(float), size))
    best = int(np.argmax(np.fft.irfft(product)))
    return (best if best < size // 2 else best - size) * 1000 / rate


def corrected(packets: Sequence[Packet], rate: int, slack: int) -> NDArray[np.float64]:
    """Return the samples of one channel without reordering: each by a sum over the window around it."""
    frames = np.zeros(max(position + len(samples) for position, samples in packets) + slack)
    stretch, integral, stop = 1.0, 0.0, 0
    packets = list(packets)
    while packets:  # one run without gaps after the other
        values: list[float] = []
        places: list[int] = []
        lines = [(0, float(packets[0][0]), stretch)]  # from a number on: its place, and the distance of samples

        def place_of(number: Any, lines: list[tuple[int, float, float]] = lines) -> Any:
            return lines[-1][1] + (number - lines[-1][0]) * lines[-1][2]

        while packets and packets[0][0] - place_of(len(values)) <= slack:
            position, samples = packets.pop(0)
            for sample, place in zip(samples.tolist(), count(position)):
                values.append(sample)
                places.append(place)
                if len(values) % rate == 0:
                    block = np.arange(len(values) - rate, len(values))
                    error = (np.array(places[-rate:]) - place_of(block)).mean() / rate
                    integral = float(np.clip(integral + 0.05**2 * error, -500e-6, 500e-6))
                    stretch = 1 + float(np.clip(integral + 0.1 * error, -1000e-6, 1000e-6))
                    number = len(values) - HALF
                    lines.append((number, place_of(number), stretch))
        padded = np.pad(values, HALF)
        for (number, start, step), (_, after, _) in pairwise([*lines, (0, place_of(len(values)), 0)]):
            stop = int(np.ceil(after))
            wanted = np.arange(int(np.ceil(start)), stop)
            numbers = number + (wanted - start) / step
            near = numbers.astype(int)[:, None] + np.arange(1 - HALF, HALF + 1)
            distance = near - numbers[:, None]
            window = np.i0(8.96 * np.sqrt(np.clip(1 - (distance / HALF) ** 2, 0, None))) / np.i0(8.96)
            frames[wanted] = (padded[near + HALF] * np.sinc(distance) * window).sum(axis=1)
    return frames[:stop]
