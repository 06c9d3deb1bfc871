"""PCM as it comes in, to samples as the encoder wants them: frames, checks, channels, rate, sample type.

The samples that come out do not depend on how the bytes were cut, not even inside a sample.
"""

import numpy as np
import soxr

from . import channels as layouts
from .errors import InvalidArgument, Violation
from .options import StreamOptions
from .samples import U8, Samples, convert, from_float, to_float, unpack

PEAK_FRAMES = 4096
"""Frames whose peak is looked for in one go: of 20 ms it would take longer to ask than to look."""


class PcmReader:
    """Bytes cut anywhere to samples of whole frames; refuses NaN and infinity, keeps the peak."""

    def __init__(self, options: StreamOptions) -> None:
        self._input = options.input
        self._wanted_bytes = options.input.frame_bytes
        self._waiting: list[bytes | memoryview] = []
        self._waiting_bytes = 0
        self._given = 0
        self._unseen: list[Samples] = []
        self._unseen_frames = 0
        self._peak = 0.0

    @property
    def frames(self) -> int:
        """Frames (samples a channel) taken in so far."""
        return self._given + self.waiting_frames

    @property
    def waiting_frames(self) -> int:
        """Those of them that were not given out yet."""
        return self._waiting_bytes // self._input.frame_bytes

    @property
    def peak(self) -> float:
        """Largest absolute value of what was given out, full scale being 1."""
        if self._unseen:
            self._look_at_unseen()
        return self._peak

    def want(self, frames: int) -> None:
        """Let fewer frames than these wait; at the beginning it is 1."""
        self._wanted_bytes = frames * self._input.frame_bytes

    def read(self, data: bytes | memoryview) -> Samples | None:
        """Give the frames that are complete, or None while they are fewer than wanted."""
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        return self.take() if self._waiting_bytes >= self._wanted_bytes else None

    def take(self) -> Samples:
        """Give the frames that are complete."""
        data = self._waiting[0] if len(self._waiting) == 1 else b"".join(self._waiting)
        whole = len(data) - len(data) % self._input.frame_bytes
        self._waiting_bytes = len(data) - whole
        self._waiting = [bytes(data[whole:])] if self._waiting_bytes else []
        samples = unpack(memoryview(data)[:whole], self._input.sample_type, self._input.channels)
        if len(samples):
            self._look_at(samples)
        self._given += len(samples)
        return samples

    def end(self) -> None:
        """Refuse a rest of a frame at the end of the stream."""
        if rest := self._waiting_bytes % self._input.frame_bytes:
            size = self._input.frame_bytes
            told = (
                f"{rest} bytes over at the end: a frame of {self._input.channels} x "
                f"{self._input.sample_type.name} is {size} bytes"
            )
            raise InvalidArgument([Violation("pcm", told)])

    def _look_at(self, samples: Samples) -> None:
        self._unseen.append(samples)
        self._unseen_frames += len(samples)
        # What may be no number at all is looked at before a codec sees it.
        if self._unseen_frames >= PEAK_FRAMES or self._input.sample_type.is_float:
            self._look_at_unseen()

    def _look_at_unseen(self) -> None:
        samples = np.concatenate(self._unseen) if len(self._unseen) > 1 else self._unseen[0]
        self._unseen, self._unseen_frames = [], 0
        kind = self._input.sample_type
        # max and min instead of abs: no copy, and abs(-32768) does not fit an int16. Both hand NaN on.
        high, low = float(samples.max()), float(samples.min())
        if kind is U8:
            high, low = high - 128, low - 128
        peak = max(high, -low)
        if not peak < np.inf:
            frame, channel = np.argwhere(~np.isfinite(samples))[0]
            told = (
                f"{samples[frame, channel]} at frame {self._given + frame}, channel {channel}: samples must be finite"
            )
            raise InvalidArgument([Violation("pcm", told)])
        self._peak = max(self._peak, peak / (128 if kind is U8 else kind.full_scale))


class PcmConverter:
    """Samples as they came to samples as the encoder takes them.

    Where rate and channels stay, only the sample type changes, exactly where it can. Else the way leads through floats: mix
    down, resample, mix up, each only where asked for.
    """

    def __init__(self, options: StreamOptions, *, keeps_overs: bool) -> None:
        """`keeps_overs`: floats beyond ±1 may go on as they are, because the file can hold them."""
        source, target = options.input, options.output
        self._from, self._to = source.sample_type, target.sample_type
        self._channels = source.channels
        self._ratio = target.sample_rate_hz / source.sample_rate_hz
        self._clips = not (keeps_overs and self._to.is_float)
        self.clipped = 0
        """Samples, over all channels, that were clipped so far."""
        self._mix = None
        if source.channels != target.channels:
            self._mix = layouts.mix_matrix(source.channels, target.channels)
        self._mix_first = target.channels < source.channels
        self._resampler = None
        self.keeps_rate = source.sample_rate_hz == target.sample_rate_hz
        """One sample comes out for each that goes in, at once."""
        # 24 bits fill a float32 to the last one: what is to keep more goes through float64.
        wide = self._from.bits > 16 and self._to.bits > 16
        self._float = np.dtype(np.float64 if wide else np.float32)
        if not self.keeps_rate:
            self._resampler = soxr.ResampleStream(
                source.sample_rate_hz,
                target.sample_rate_hz,
                min(source.channels, target.channels),
                dtype=self._float.name,
                quality="VHQ" if wide else "HQ",
            )

    def convert(self, samples: Samples) -> Samples:
        """Convert samples of the input's type; a resampler holds some back."""
        return self._convert(samples, last=False)

    def finish(self) -> Samples:
        """Give what the resampler held back."""
        nothing = np.zeros((0, self._channels), self._from.dtype)
        return self._convert(nothing, last=True)

    def held_samples(self, taken: int, given: int) -> int:
        """How many samples a channel, at the output's rate, are still to come of `taken` at the input's."""
        return round(taken * self._ratio) - given

    def _convert(self, samples: Samples, *, last: bool) -> Samples:
        if self._mix is None and self._resampler is None:
            if self._from.is_float and self._clips:
                samples = self._clip(samples)
            return convert(samples, self._from, self._to)
        floats = to_float(samples, self._from, self._float)
        if self._mix is not None and self._mix_first:
            floats = floats @ self._mix.astype(self._float)
        if self._resampler is not None:
            floats = self._resampler.resample_chunk(np.ascontiguousarray(floats), last=last)
        if self._mix is not None and not self._mix_first:
            floats = floats @ self._mix.astype(self._float)
        return from_float(self._clip(floats) if self._clips else floats, self._to)

    def _clip(self, floats: Samples) -> Samples:
        if len(floats) == 0 or (floats.max() <= 1 and floats.min() >= -1):
            return floats
        self.clipped += int(np.count_nonzero(np.abs(floats) > 1))
        return np.clip(floats, -1, 1)
