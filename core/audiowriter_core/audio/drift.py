"""Corrects a source whose clock differs from that of its positions, by resampling with a ratio that changes slowly.

A phase-locked loop of second order, critically damped, follows the positions (F. M. Gardner, Phaselock Techniques, chapter
2). Once per second of audio it compares the mean position of the samples received with that of the samples returned, and
changes the ratio a little. So jitter is averaged out, and a constant drift leaves no error.
"""

from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..options import InputOptions
from .interpolation import HALF, interpolate
from .sample_types import G711, S16LE, compress, expand, from_float, pack, to_float, unpack

MAX_DRIFT = 500e-6
"""Highest difference of a clock that is corrected."""

_MAX_CORRECTION = 1000e-6
"""Highest change of the ratio, 1.7 cents. It also has to make up for the time before the drift was known."""

_BANDWIDTH = 0.05
"""Natural frequency of the loop, in rad/s. In the first minute its error reaches 0.8 ms at 100 ppm and 3.8 ms at 500 ppm.
After two minutes it is below 0.2 ms. Packets of 20 ms with a jitter of 10 ms change the ratio by 120 ppm, or 0.2 cents."""

Piece = tuple[int, bytes]
"""The position of a run of frames, and its bytes."""


class DriftCorrection:
    """Resamples the frames of one lane, so that each comes out at its position.

    Between gaps, frames are a line: the frame with a number is returned at `_position(number)`. A frame whose position is
    more than `max_jitter_ms` after that begins another line. One that is more than that before it was reordered, and keeps
    its position.
    """

    def __init__(self, options: InputOptions, channels: int) -> None:
        self._kind, self._channels = options.sample_type, channels
        self._slack = options.frames(options.max_jitter_ms)
        self._block = options.sample_rate_hz
        self._rate = options.sample_rate_hz
        self._frame_bytes = options.sample_type.width * channels
        self._aside = -1  # position after the last frames that were reordered
        self._integral = 0.0
        self._frames, self._correction = 0, 0.0  # in whole blocks, and what the ratio has added to them
        self._stretch = 1.0
        self._open = False
        self._received = self._deviation = self._block_start = self._sum = self._next = self._first = self._knot = 0
        self._knot_position = 0.0
        self._samples = np.zeros((0, channels))

    @property
    def next(self) -> float:
        """Position of the next frame to return; infinity if none waits."""
        return self._next if self._open else inf

    @property
    def ppm(self) -> float:
        """How fast the source's clock was against that of its positions: above 0, it gave more samples. The mean so far."""
        return -self._correction / (self._frames + self._correction) * 1e6 if self._frames else 0.0

    def add(self, start: int, data: bytes | memoryview) -> list[Piece]:
        """Take whole frames with the position of the first one; return the frames that are ready."""
        pieces: list[Piece] = []
        expected = self._received + self._deviation
        if self._open and start != expected:
            error = start - self._position(self._received)
            if error < -self._slack or start == self._aside:
                # Only up to the end of the line, so that the result does not depend on how the PCM was cut.
                size = (expected - start) * self._frame_bytes if start < expected else len(data)
                aside, data = bytes(data[:size]), data[size:]
                self._aside = start + len(aside) // self._frame_bytes
                if not data:
                    return [(start, aside)]
                pieces.append((start, aside))
            elif error > self._slack:
                pieces = self.close()
            else:
                self._deviation = start - self._received
        if not self._open:
            self._begin(start)
        samples = self._floats(data)
        while len(samples):
            part, samples = np.split(samples, [self._block_start + self._block - self._received])
            self._samples = np.concatenate((self._samples, part))
            self._received += len(part)
            self._sum += self._deviation * len(part)
            pieces += self._ready(self._received - HALF)
            if self._received == self._block_start + self._block:
                self._adjust()
        return pieces

    def close(self) -> list[Piece]:
        """End the line. Return the frames that waited for later ones."""
        if not self._open:
            return []
        self._samples = np.concatenate((self._samples, np.zeros((HALF, self._channels))))
        self._open = False
        return self._ready(self._received)

    def _begin(self, start: int) -> None:
        self._open = True
        self._received = 0  # frames of this line
        self._deviation = start  # of the last frame: its position, minus its number
        self._block_start = self._sum = 0
        # Where the ratio changed last, as frame number and as position.
        self._knot, self._knot_position = 0, float(start)
        self._next = start  # position of the next frame to return
        self._samples = np.zeros((HALF - 1, self._channels))
        self._first = 1 - HALF  # frame number of self._samples[0]

    def _position(self, number: int) -> float:
        return self._knot_position + (number - self._knot) * self._stretch

    def _ready(self, number: int) -> list[Piece]:
        """Return the frames whose position is before that of this frame number."""
        stop = int(np.ceil(self._position(number)))
        if stop <= self._next:
            return []
        positions = np.arange(self._next, stop, dtype=np.float64)
        numbers = self._knot + (positions - self._knot_position) / self._stretch
        piece = self._next, self._bytes(interpolate(self._samples, numbers - self._first))
        self._next = stop
        unused = max(0, int(numbers[-1]) - (HALF - 1) - self._first)
        self._samples = self._samples[unused:].copy()
        self._first += unused
        return [piece]

    def _adjust(self) -> None:
        """Compare the positions of the block that ends here, and set the ratio of the frames that follow."""
        middle = self._block_start + (self._block - 1) / 2
        line = self._knot_position + (middle - self._knot) * self._stretch
        error_s = (middle - line + self._sum / self._block) / self._rate
        self._frames += self._block
        self._correction += self._block * (self._stretch - 1)
        knot = self._received - HALF  # the frames before it were returned
        self._knot_position, self._knot = self._position(knot), knot
        seconds = self._block / self._rate
        self._integral = _clip(self._integral + _BANDWIDTH**2 * seconds * error_s, MAX_DRIFT)
        self._stretch = 1 + _clip(self._integral + 2 * _BANDWIDTH * error_s, _MAX_CORRECTION)
        self._block_start, self._sum = self._received, 0

    def _floats(self, data: bytes | memoryview) -> NDArray[np.float64]:
        samples, kind = unpack(data, self._kind, self._channels), self._kind
        if kind in G711:
            samples, kind = expand(samples, kind), S16LE
        return to_float(samples, kind, np.dtype(np.float64))

    def _bytes(self, floats: NDArray[np.float64]) -> bytes:
        if self._kind in G711:
            return compress(from_float(floats, S16LE), self._kind).tobytes()
        samples: NDArray[Any] = from_float(floats, self._kind)
        return pack(samples, self._kind)


def _clip(value: float, limit: float) -> float:
    return min(max(value, -limit), limit)
