"""Converts bytes to samples, rejects NaN and infinity, and measures the peak.

The samples do not depend on where the bytes were cut, even inside a sample.
"""

import numpy as np

from ..errors import InvalidArgument, Violation
from ..options import InputOptions
from .sample_types import G711, S16LE, U8, Samples, expand, unpack

PEAK_FRAMES = 4096
"""Frames per peak search. numpy's call overhead dominates for blocks of 20 ms, so they are searched in batches."""


class PcmReader:
    """Turns bytes, cut anywhere, into samples in whole frames."""

    def __init__(self, options: InputOptions) -> None:
        self._sample_type, self._channels = options.sample_type, options.channels
        self._frame_bytes = options.frame_bytes
        self._minimum_bytes = options.frame_bytes
        # Floats are searched at once, because NaN must be rejected before it reaches a codec.
        self._search_frames = 1 if options.sample_type.is_float else PEAK_FRAMES
        self._pending: list[bytes | memoryview] = []
        self._pending_bytes = 0
        self._returned = 0
        self._unsearched: list[Samples] = []
        self._searched = 0
        self._peak = 0.0

    @property
    def frames(self) -> int:
        """Frames (samples per channel) received so far."""
        return self._returned + self._pending_bytes // self._frame_bytes

    @property
    def pending_frames(self) -> int:
        """Complete frames that were received but not returned yet."""
        return self._pending_bytes // self._frame_bytes

    @property
    def peak(self) -> float:
        """Largest absolute value of the samples returned so far; 1.0 is full scale."""
        if self._unsearched:
            self._search_peak()
        return self._peak

    def set_minimum(self, frames: int) -> None:
        """Set the minimum number of frames that `read` returns. The default is 1."""
        self._minimum_bytes = frames * self._frame_bytes

    def read(self, data: bytes | memoryview) -> Samples | None:
        """Take bytes; return the complete frames, or None if there are fewer than the minimum.

        Raises InvalidArgument for NaN or infinity.
        """
        size = self._pending_bytes + len(data)
        if size < self._minimum_bytes:
            self._pending.append(data)
            self._pending_bytes = size
            return None
        if self._pending:
            data = b"".join((*self._pending, data))
            self._pending, self._pending_bytes = [], 0
        if rest := size % self._frame_bytes:
            self._pending, self._pending_bytes = [bytes(data[-rest:])], rest
            data = memoryview(data)[:-rest]
        samples = unpack(data, self._sample_type, self._channels)
        self._unsearched.append(samples)
        self._returned += len(samples)
        if self._returned - self._searched >= self._search_frames:
            self._search_peak()
        return samples

    def end(self) -> None:
        """Raise InvalidArgument if the stream ends inside a frame."""
        if rest := self._pending_bytes % self._frame_bytes:
            size, channels, name = self._frame_bytes, self._channels, self._sample_type.name
            text = f"ends with {rest} of the {size} bytes of a frame ({channels} x {name}): takes whole frames"
            raise InvalidArgument([Violation("pcm", "", text)])

    def _search_peak(self) -> None:
        samples = np.concatenate(self._unsearched) if len(self._unsearched) > 1 else self._unsearched[0]
        position, self._searched = self._searched, self._returned
        self._unsearched = []
        kind = self._sample_type
        if kind in G711:
            samples, kind = expand(samples, kind), S16LE
        # Not abs, which would copy the samples, and whose result for -32768 exceeds int16. max and min propagate NaN.
        high, low = float(samples.max()), float(samples.min())
        if kind is U8:
            high, low = high - 128, low - 128
        peak = max(high, -low)
        if not peak < np.inf:
            frame, channel = np.argwhere(~np.isfinite(samples))[0]
            value = samples[frame, channel]
            text = f"{value} at frame {position + frame}, channel {channel}: samples must be finite"
            raise InvalidArgument([Violation("pcm", "", text)])
        self._peak = max(self._peak, peak / (128 if kind is U8 else kind.full_scale))
