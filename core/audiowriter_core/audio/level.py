"""Changes the level: a fixed gain, then a limiter that keeps the true peak below a limit."""

import numpy as np

from ..options import LevelOptions
from .filters import FilterChain
from .sample_types import MAX_FLOAT, Samples

_LIMITED_RATE = 192_000
_MAX_OVERSAMPLING = 4
"""The limiter works at this many times the sample rate, or at 192 kHz if that is less. BS.1770-4, annex 2: at 192 kHz and
above, samples are close enough to measure the true peak."""

_MARGIN_DB = 0.2
"""The limiter's own limit is lower by this, because the resampler behind it raises peaks again. 0.19 dB were measured when
speech was raised by 12 dB."""

_ATTACK_MS, _RELEASE_MS = 5, 50
"""FFmpeg's defaults."""


class Level:
    """Applies the gain and the limiter of one stream. The limiter holds samples: 5 ms and those of its resamplers."""

    def __init__(self, options: LevelOptions, sample_rate: int, channels: int) -> None:
        self._gain = 10 ** (options.gain_db / 20)
        self._channels = channels
        self._limiter = None
        if options.true_peak_limit_dbtp is not None:
            factor = min(_MAX_OVERSAMPLING, max(1, _LIMITED_RATE // sample_rate))
            limit = 10 ** ((options.true_peak_limit_dbtp - _MARGIN_DB) / 20)
            filters = [
                ("aresample", f"{factor * sample_rate}:filter_size=64"),
                ("alimiter", f"limit={limit}:attack={_ATTACK_MS}:release={_RELEASE_MS}:level=0:latency=1"),
                ("aresample", f"{sample_rate}:filter_size=64"),
            ]
            self._limiter = FilterChain(filters if factor > 1 else filters[1:2], sample_rate, channels)

    @property
    def holds_samples(self) -> bool:
        """Whether `apply` may return fewer samples than it takes."""
        return self._limiter is not None

    def apply(self, floats: Samples, *, last: bool) -> Samples:
        """Return floats of shape (frames, channels), of the same dtype. `last`: return those that were held, too."""
        floats = np.clip(floats * floats.dtype.type(self._gain), -MAX_FLOAT, MAX_FLOAT)
        if self._limiter is None:
            return floats
        chain = self._limiter
        parts = [chain.samples(frame) for frame in chain.push(floats)]
        if last:
            parts += [chain.samples(frame) for frame in chain.finish()]
        if not parts:
            return floats[:0]
        return np.concatenate(parts).astype(floats.dtype)
