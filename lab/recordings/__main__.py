"""Record a call of two hours with clocks that are 100 ppm fast and slow: `make lab-recordings`.

Both speakers must stay in time within 5 ms, and no click may be heard: the spectral flux must be that of the same call
without drift. As a control, the same packets with exact positions, whose drift is cut out and filled in, must have clicks.
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from math import ceil
from typing import Any

import numpy as np
from audiowriter_core import AudioEncoder, Chunk, Event
from numpy.typing import NDArray
from support.recordings import late_ms, voice

RATE = 8000
FRAME = 160
JITTER_MS = 5
CLOCKS_PPM = (100.0, -100.0)
MOST_MS = 5.0
MOST_FLUX = 2.0
"""As a multiple of that without drift. The samples are rounded twice, which gives 1.5."""

_WINDOW, _HOP = 256, 80


def main() -> int:
    """Print what was found for each clock. Return 1 if a limit is exceeded."""
    parser = argparse.ArgumentParser(prog="python -m lab.recordings")
    parser.add_argument("--minutes", type=int, default=120)
    minutes = parser.parse_args().minutes
    failed = False
    with ProcessPoolExecutor(2) as pool:
        for ppm, (found, most_ms, flux) in zip(CLOCKS_PPM, pool.map(corrected, CLOCKS_PPM, [minutes] * 2), strict=True):
            failed |= most_ms >= MOST_MS or flux >= MOST_FLUX or abs(found - ppm) > 5
            print(
                f"{ppm:+g} ppm: drift_ppm {found:+.2f}, at most {most_ms:.2f} ms off, {flux:.2f} x the flux without drift"
            )
        _, _, flux = next(iter(pool.map(uncorrected, CLOCKS_PPM[:1])))
        failed |= flux < 100
        print(f"control without correction: {flux:.1f} x the flux without drift")
    return int(failed)


def corrected(ppm: float, minutes: int) -> tuple[float, float, float]:
    """Return drift_ppm, the largest error in ms, and the largest spectral flux as a multiple of that without drift."""
    return _record(ppm, minutes, max_jitter_ms=3 * JITTER_MS)


def uncorrected(ppm: float) -> tuple[float, float, float]:
    """The same for a minute of packets without jitter that are taken as exact."""
    return _record(ppm, 1, jitter_ms=0, max_skew_ms=1000)


def _record(ppm: float, minutes: int, jitter_ms: float = JITTER_MS, **options: Any) -> tuple[float, float, float]:
    most_ms, flux, plain = 0.0, 0.0, 0.0
    heard = np.zeros(0, np.int16)
    second = 0
    drift = 0.0
    with AudioEncoder(format="pcm", sample_rate_hz=RATE, serial=1, **options) as encoder:
        for events in _written(encoder, ppm, minutes, jitter_ms):
            data = b"".join(event.data for event in events if isinstance(event, Chunk))
            drift = getattr(events[-1], "drift_ppm", drift) if events else drift
            heard = np.concatenate((heard, np.frombuffer(data, "<i2")))
            while len(heard) >= RATE:
                expected = np.rint(voice(np.arange(second * RATE, (second + 1) * RATE, dtype=np.float64), RATE))
                flux, plain = max(flux, _flux(heard[:RATE])), max(plain, _flux(expected))
                if second % 10 == 5:
                    most_ms = max(most_ms, abs(late_ms(heard[:RATE], expected, RATE)))
                heard, second = heard[RATE:], second + 1
    return drift, most_ms, flux / plain


def _written(encoder: AudioEncoder, ppm: float, minutes: int, jitter_ms: float) -> Iterator[list[Event]]:
    """Write a minute at a time; yield the events, and at last those of the end."""
    random = np.random.default_rng(round(ppm) % 1000)
    total = ceil(minutes * 60 * RATE * (1 + ppm * 1e-6) / FRAME)
    for first in range(0, total, 3000):
        numbers = np.arange(first, min(first + 3000, total))
        place = np.arange(numbers[0] * FRAME, (numbers[-1] + 1) * FRAME) / (1 + ppm * 1e-6)
        samples = np.rint(voice(place, RATE)).astype("<i2")
        jitter = random.uniform(-jitter_ms, jitter_ms, len(numbers)) * RATE / 1000
        for index, at in enumerate(numbers.tolist()):
            position = max(0, round(at * FRAME / (1 + ppm * 1e-6) + (jitter[index] if at else 0)))
            yield encoder.write(samples[index * FRAME : (index + 1) * FRAME], position=position)
    yield encoder.finish()


def _flux(samples: NDArray[Any]) -> float:
    """Return the largest increase of the spectrum between two windows of 32 ms, 10 ms apart."""
    starts = np.arange(0, len(samples) - _WINDOW, _HOP)[:, None] + np.arange(_WINDOW)
    spectra = np.abs(np.fft.rfft(samples[starts] * np.hanning(_WINDOW), axis=1))
    clicks = spectra[:, 100:]  # above the voice
    return float(np.clip(np.diff(clicks, axis=0), 0, None).sum(axis=1).max())


if __name__ == "__main__":
    raise SystemExit(main())
