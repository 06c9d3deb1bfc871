"""Samples of the input to samples that the codec takes: channels, rate, sample type."""

import numpy as np
import soxr

from ..options import StreamOptions
from . import layouts
from .sample_types import Samples, convert, from_float, to_float


class PcmConverter:
    """Mixes, resamples and converts, each only where the options ask for it.

    If rate and channels stay the same, only the sample type changes, exactly where possible. Otherwise the samples become
    floats, are mixed down, resampled, and mixed up.
    """

    def __init__(self, options: StreamOptions, *, keeps_overs: bool) -> None:
        """`keeps_overs`: floats beyond ±1 are not clipped if the file can hold them."""
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
        """Whether each sample comes out at once, one for one."""
        # A float32 has 24 bits of mantissa: types with more bits go through float64.
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
        """Convert samples of the input's type. A resampler holds some of them back."""
        return self._convert(samples, last=False)

    def finish(self) -> Samples:
        """Return the samples that the resampler held back."""
        nothing = np.zeros((0, self._channels), self._from.dtype)
        return self._convert(nothing, last=True)

    def held_samples(self, taken: int, given: int) -> int:
        """Samples per channel, at the file's rate, still to come: `taken` went in at the input's rate, `given` came out."""
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
