"""Measures how far a lossy file is from the input: delay and two measures of quality, for one channel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Channel = NDArray[np.float64]
"""Shape (frames,), full scale at ±1."""

FRAME_MS = 20
SILENCE = 1e-5
"""Mean square below which a frame does not count: 50 dB below full scale."""
SNR_BOUNDS = (-10.0, 35.0)
"""Limits of a frame in dB, as is usual for the segmental SNR."""


def delay(source: Channel, decoded: Channel) -> int:
    """Return the delay of `decoded` against `source` in samples: the lag of the highest cross-correlation."""
    size = 1 << (len(source) + len(decoded)).bit_length()
    spectrum = np.fft.rfft(decoded, size) * np.conj(np.fft.rfft(source, size))
    lag = int(np.argmax(np.fft.irfft(spectrum, size)))
    return lag - size if lag > size // 2 else lag


def segmental_snr(source: Channel, decoded: Channel, rate: int) -> float:
    """Return the mean over frames of the signal-to-noise ratio in dB. Higher is better."""
    clean, coded = _frames(source, decoded, rate)
    noise = ((clean - coded) ** 2).mean(axis=1)
    ratio = 10 * np.log10((clean**2).mean(axis=1) / np.maximum(noise, 1e-12))
    return float(np.clip(ratio, *SNR_BOUNDS).mean())


def log_spectral_distance(source: Channel, decoded: Channel, rate: int) -> float:
    """Return the mean over frames of the root mean square difference of log spectra, in dB. Lower is better."""
    clean, coded = (_log_spectrum(frames) for frames in _frames(source, decoded, rate))
    return float(np.sqrt(((clean - coded) ** 2).mean(axis=1)).mean())


def _frames(source: Channel, decoded: Channel, rate: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Split both signals into the frames in which the source is not silent."""
    size = rate * FRAME_MS // 1000
    count = min(len(source), len(decoded)) // size
    clean, coded = (samples[: count * size].reshape(count, size) for samples in (source, decoded))
    loud = (clean**2).mean(axis=1) > SILENCE
    return clean[loud], coded[loud]


def _log_spectrum(frames: NDArray[Any]) -> NDArray[Any]:
    power: NDArray[np.float64] = np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]))) ** 2
    # A floor 60 dB below the loudest line: differences below it are not audible.
    decibels: NDArray[np.float64] = 10 * np.log10(power + 1e-6 * power.max(axis=1, keepdims=True) + 1e-12)
    return decibels
