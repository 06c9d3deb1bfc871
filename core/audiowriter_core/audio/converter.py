"""Converts input samples to the codec's channels, sample rate and sample type."""

import numpy as np
import soxr

from ..options import StreamOptions
from . import layouts
from .level import Level
from .sample_types import G711, MAX_FLOAT, S16LE, Samples, compress, convert, expand, from_float, to_float


class PcmConverter:
    """Mixes, resamples, changes the level and converts samples, each only if the options require it.

    If rate, channels and level stay the same, only the sample type changes, without loss where possible. Otherwise the
    samples are converted to floats of at most MAX_FLOAT. These are mixed down, resampled, mixed up and changed in level, in
    this order.
    """

    def __init__(self, options: StreamOptions, *, clip_floats: bool) -> None:
        """`clip_floats`: whether to clip floats beyond ±1 even if the file's sample type is a float."""
        source, target = options.input, options.output
        self._source, self._target = source.sample_type, target.sample_type
        # G.711 is expanded before all calculations, and compressed after them.
        self._from = S16LE if self._source in G711 else self._source
        self._to = S16LE if self._target in G711 else self._target
        self._channels = source.channels
        self._no_samples = np.zeros((0, target.channels), self._target.dtype)
        self._ratio = target.sample_rate_hz / source.sample_rate_hz
        self._clips = clip_floats or not self._to.is_float
        self.clipped = 0
        """Samples, summed over all channels, that were clipped so far."""
        self._mix = None
        if source.channels != target.channels:
            self._mix = layouts.mix_matrix(source.channels, target.channels)
        self._mix_first = target.channels < source.channels
        self._resampler = None
        self.keeps_rate = source.sample_rate_hz == target.sample_rate_hz
        """Whether input and output have the same sample rate."""
        self._level = None
        if target.level.changes_samples:
            self._level = Level(target.level, target.sample_rate_hz, target.channels)
        self.keeps_length = self.keeps_rate and not (self._level and self._level.holds_samples)
        """Whether `convert` returns as many samples as it takes."""
        keeps_values = (
            self.keeps_rate and self._level is None and self._mix is None and not (self._from.is_float and self._clips)
        )
        self._passes = keeps_values and self._source is self._target
        """Whether `convert` has nothing to do."""
        self._changes_type_only = keeps_values and not G711.keys() & {self._source, self._target}
        # Calculations in float32, with its 24-bit mantissa, are not exact enough for samples of 24 bits and more.
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
        """Convert samples of the input's type. If they are resampled or limited, some are held until later calls."""
        if self._passes:
            return samples
        if self._changes_type_only:
            return convert(samples, self._source, self._target)
        if self._source in G711:
            samples = expand(samples, self._source)
        return self._converted(samples, last=False)

    def finish(self) -> Samples:
        """Return the samples that the resampler and the limiter still hold."""
        if self.keeps_length:
            return self._no_samples
        nothing = np.zeros((0, self._channels), self._from.dtype)
        return self._converted(nothing, last=True)

    def held_samples(self, input_samples: int, output_samples: int) -> int:
        """Return how many samples per channel, at the file's rate, were received but not returned yet.

        `input_samples`: received so far, at the input's rate. `output_samples`: returned so far, at the file's rate.
        """
        return round(input_samples * self._ratio) - output_samples

    def _converted(self, samples: Samples, *, last: bool) -> Samples:
        linear = self._convert(samples, last=last)
        return compress(linear, self._target) if self._target in G711 else linear

    def _convert(self, samples: Samples, *, last: bool) -> Samples:
        if self._mix is None and self._resampler is None and self._level is None:
            if self._from.is_float and self._clips:
                samples = self._clip(samples)
            return convert(samples, self._from, self._to)
        floats = to_float(samples, self._from, self._float)
        if self._from.is_float:
            floats = np.clip(floats, -MAX_FLOAT, MAX_FLOAT)
        if self._mix is not None and self._mix_first:
            floats = layouts.mix(floats, self._mix)
        if self._resampler is not None:
            floats = self._resampler.resample_chunk(np.ascontiguousarray(floats), last=last)
        if self._mix is not None and not self._mix_first:
            floats = layouts.mix(floats, self._mix)
        if self._level is not None:
            floats = self._level.apply(floats, last=last)
        return from_float(self._clip(floats) if self._clips else floats, self._to)

    def _clip(self, floats: Samples) -> Samples:
        if len(floats) == 0 or (floats.max() <= 1 and floats.min() >= -1):
            return floats
        self.clipped += int(np.count_nonzero(np.abs(floats) > 1))
        return np.clip(floats, -1, 1)
