"""Bytes to samples: frames, checks for finite values, the peak.

The samples do not depend on how the bytes were cut, not even inside a sample.
"""

import numpy as np

from ..errors import InvalidArgument, Violation
from ..options import InputOptions
from .sample_types import U8, Samples, unpack

PEAK_FRAMES = 4096
"""Frames per search for the peak: numpy's call overhead dominates for blocks of 20 ms, so they are searched in batches."""


class PcmReader:
    """Turns bytes, cut anywhere, into samples of whole frames. Refuses NaN and infinity, and keeps the peak."""

    def __init__(self, options: InputOptions) -> None:
        self._input = options
        self._wanted_bytes = options.frame_bytes
        self._waiting: list[bytes | memoryview] = []
        self._waiting_bytes = 0
        self._given = 0
        self._unsearched: list[Samples] = []
        self._unsearched_frames = 0
        self._peak = 0.0

    @property
    def frames(self) -> int:
        """Frames (samples per channel) taken in so far."""
        return self._given + self.waiting_frames

    @property
    def waiting_frames(self) -> int:
        """Complete frames that were taken in, but not returned yet."""
        return self._waiting_bytes // self._input.frame_bytes

    @property
    def peak(self) -> float:
        """Largest absolute value of the samples returned so far; 1.0 is full scale."""
        if self._unsearched:
            self._search_peak()
        return self._peak

    def want(self, frames: int) -> None:
        """Set the minimum number of frames that `read` returns. It is 1 at first."""
        self._wanted_bytes = frames * self._input.frame_bytes

    def read(self, data: bytes | memoryview) -> Samples | None:
        """Take bytes; return the complete frames, or None while there are fewer than wanted."""
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        return self.take() if self._waiting_bytes >= self._wanted_bytes else None

    def take(self) -> Samples:
        """Return the complete frames, however few. Raises InvalidArgument for NaN or infinity."""
        data = self._waiting[0] if len(self._waiting) == 1 else b"".join(self._waiting)
        whole = len(data) - len(data) % self._input.frame_bytes
        self._waiting_bytes = len(data) - whole
        self._waiting = [bytes(data[whole:])] if self._waiting_bytes else []
        samples = unpack(memoryview(data)[:whole], self._input.sample_type, self._input.channels)
        if len(samples):
            self._unsearched.append(samples)
            self._unsearched_frames += len(samples)
            # Floats are searched at once: NaN must be refused before a codec sees it.
            if self._unsearched_frames >= PEAK_FRAMES or self._input.sample_type.is_float:
                self._search_peak()
        self._given += len(samples)
        return samples

    def end(self) -> None:
        """Raise InvalidArgument if the stream ends inside a frame."""
        if rest := self._waiting_bytes % self._input.frame_bytes:
            size, channels, name = self._input.frame_bytes, self._input.channels, self._input.sample_type.name
            text = f"{rest} bytes over at the end: a frame of {channels} x {name} is {size} bytes"
            raise InvalidArgument([Violation("pcm", "", text)])

    def _search_peak(self) -> None:
        samples = np.concatenate(self._unsearched) if len(self._unsearched) > 1 else self._unsearched[0]
        self._unsearched, self._unsearched_frames = [], 0
        kind = self._input.sample_type
        # max and min instead of abs: no copy, and abs(-32768) does not fit an int16. Both propagate NaN.
        high, low = float(samples.max()), float(samples.min())
        if kind is U8:
            high, low = high - 128, low - 128
        peak = max(high, -low)
        if not peak < np.inf:
            frame, channel = np.argwhere(~np.isfinite(samples))[0]
            value, position = samples[frame, channel], self._given + frame
            text = f"{value} at frame {position}, channel {channel}: samples must be finite"
            raise InvalidArgument([Violation("pcm", "", text)])
        self._peak = max(self._peak, peak / (128 if kind is U8 else kind.full_scale))
