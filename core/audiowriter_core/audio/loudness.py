"""Measures loudness (EBU R 128, ITU-R BS.1770-4): integrated loudness, loudness range and true peak.

Loudness and range come from FFmpeg's ebur128. Its true peak would cost five times as much, because it oversamples
everything. Here only audio that can hold a new true peak is oversampled.
"""

import math
from dataclasses import dataclass

import numpy as np

from .filters import FilterChain
from .sample_types import G711, MAX_FLOAT, S16LE, Samples, SampleType, expand, to_float

BLOCK_SAMPLES = 48_000
"""Samples, of all channels together, that are measured at once. Each call of FFmpeg costs 50 µs."""

SILENCE_LUFS = -70.0
"""The absolute gate of BS.1770-4. ebur128 returns it if all audio is below."""

_PHASE_0 = (
    0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000, -0.0594482421875, 0.1373291015625,
    0.9721679687500, -0.1022949218750, 0.0476074218750, -0.0266113281250, 0.0148925781250, -0.0083007812500,
)  # fmt: skip
_PHASE_1 = (
    -0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250, -0.1665039062500, 0.4650878906250,
    0.7797851562500, -0.2003173828125, 0.1015625000000, -0.0582275390625, 0.0330810546875, -0.0189208984375,
)  # fmt: skip
_PHASES = np.array([_PHASE_0, _PHASE_1, _PHASE_1[::-1], _PHASE_0[::-1]], np.float32)
"""The filter that oversamples four times. BS.1770-4, annex 2."""

_TAPS = _PHASES.shape[1]
_MAX_GAIN = float(np.abs(_PHASES).sum(axis=1).max())
"""No true peak exceeds the largest sample around it by more than this factor."""

_PIECE = 256
"""Frames that are oversampled together or not at all."""


@dataclass(frozen=True, slots=True)
class Loudness:
    """The loudness of a stream."""

    integrated_lufs: float | None
    """Gated loudness in LUFS. None: no 400 ms of the audio are louder than -70 LUFS."""
    range_lu: float
    """Loudness range in LU. EBU Tech 3342. 0 for less than 3 s of audio."""
    true_peak_dbtp: float | None
    """True peak in dB relative to full scale. None: silence."""


class LoudnessMeter:
    """Measures the samples of one stream. The result does not depend on how they were cut."""

    def __init__(self, kind: SampleType, sample_rate: int, channels: int) -> None:
        self._kind = kind
        self._filter = FilterChain([("ebur128", "metadata=1:framelog=quiet")], sample_rate, channels)
        self._true_peak = TruePeak(channels)
        self._waiting: list[Samples] = []
        self._waiting_samples = 0
        self._integrated = SILENCE_LUFS
        self._range = 0.0

    def add(self, samples: Samples) -> None:
        """Take samples of the type `kind`."""
        if not len(samples):
            return
        # Copied, because a view of a few samples would keep a whole message in memory.
        self._waiting.append(samples.copy())
        self._waiting_samples += samples.size
        if self._waiting_samples >= BLOCK_SAMPLES:
            self._measure()

    def value(self) -> Loudness:
        """Return the loudness of the samples so far."""
        self._measure()
        integrated = self._integrated if self._integrated > SILENCE_LUFS else None
        peak = self._true_peak.value()
        return Loudness(integrated, self._range, 20 * math.log10(peak) if peak else None)

    def _measure(self) -> None:
        if not self._waiting:
            return
        samples, kind = np.concatenate(self._waiting), self._kind
        self._waiting, self._waiting_samples = [], 0
        if kind in G711:
            samples, kind = expand(samples, kind), S16LE
        floats = to_float(samples, kind, np.dtype(np.float64))
        if kind.is_float:
            floats = np.clip(floats, -MAX_FLOAT, MAX_FLOAT)
        self._true_peak.add(floats.astype(np.float32))
        for frame in self._filter.push(floats):
            found = frame.metadata
            self._integrated = float(found["lavfi.r128.I"])
            self._range = float(found["lavfi.r128.LRA"])


class TruePeak:
    """Finds the largest absolute value of the audio between and at its samples."""

    def __init__(self, channels: int) -> None:
        self._history = np.zeros((_TAPS - 1, channels), np.float32)
        self._peak = 0.0

    def add(self, floats: Samples) -> None:
        """Take float32 samples with a full scale of ±1."""
        frames = np.concatenate((self._history, floats))
        # Copied, so that the rest of the block is freed.
        self._history = frames[len(frames) - (_TAPS - 1) :].copy()
        count = -(-len(floats) // _PIECE)
        padded = np.zeros((count * _PIECE + _TAPS - 1, frames.shape[1]), np.float32)
        padded[: len(frames)] = frames
        self._search(np.ascontiguousarray(padded.T), count)

    def value(self) -> float:
        """Return the true peak so far; 1.0 is full scale. The audio is followed by silence."""
        rest = TruePeak(self._history.shape[1])
        rest._history = self._history
        rest._peak = self._peak
        rest.add(np.zeros((_TAPS, self._history.shape[1]), np.float32))
        return rest._peak

    def _search(self, channels: Samples, count: int) -> None:
        windows = np.lib.stride_tricks.sliding_window_view(channels, _PIECE + _TAPS - 1, axis=1)[:, ::_PIECE]
        peaks = np.abs(windows).max(axis=2)
        self._peak = max(self._peak, float(peaks.max(initial=0)))
        # The loudest piece first: then most others cannot exceed it.
        loudest = np.unravel_index(peaks.argmax(), peaks.shape)
        self._oversample(windows[loudest][np.newaxis])
        self._oversample(windows[peaks * _MAX_GAIN > self._peak])

    def _oversample(self, windows: Samples) -> None:
        if not len(windows):
            return
        for phase in _PHASES:
            sums = windows[:, :_PIECE] * phase[-1]
            for tap in range(1, _TAPS):
                sums += windows[:, tap : tap + _PIECE] * phase[-1 - tap]
            self._peak = max(self._peak, float(sums.max()), -float(sums.min()))
