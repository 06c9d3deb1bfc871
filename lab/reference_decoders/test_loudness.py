"""The loudness in `finished` is that of FFmpeg's ebur128, as another program measures the file."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from audiowriter_core import Loudness, open_audio
from numpy.typing import NDArray

from lab.reference_decoders.signals import SPEECH_RATE, speech
from lab.reference_decoders.tools import MUSIC, run

RATE = 48_000
MAX_PEAK_ERROR_DB = 0.4
"""FFmpeg oversamples with another filter."""


def _steps(*levels: tuple[float, float]) -> NDArray[np.float64]:
    """Return a stereo sine of 1 kHz with steps of (dBFS, seconds)."""
    gains = np.concatenate([np.full(round(seconds * RATE), 10 ** (db / 20)) for db, seconds in levels])
    tone = gains * np.sin(2 * np.pi * 1000 * np.arange(len(gains)) / RATE)
    return np.column_stack((tone, tone))


def _signals() -> Iterator[tuple[str, int, NDArray[np.float64]]]:
    """Yield signals of EBU Tech 3341 and 3342, speech and music."""
    yield "3341-3", RATE, _steps((-36, 10), (-23, 60), (-36, 10))
    yield "3341-5", RATE, _steps((-26, 20), (-20, 20.1), (-26, 20))
    yield "3342-1", RATE, _steps((-20, 20), (-30, 20))
    yield "3342-4", RATE, _steps((-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20))
    yield "speech", SPEECH_RATE, speech().reshape(-1, 1) / 32768
    music, rate = soundfile.read(_decoded_music(), always_2d=True)
    yield "music", rate, music


def _decoded_music() -> Path:
    wav = Path("build") / "music.wav"
    wav.parent.mkdir(exist_ok=True)
    run("ffmpeg", "-y", "-i", MUSIC, wav)
    return wav


def test_loudness_is_that_of_ffmpeg(tmp_path: Path) -> None:
    for name, rate, samples in _signals():
        path = tmp_path / f"{name}.wav"
        ours = _write(path, rate, samples)
        integrated, range_lu, peak = _by_ffmpeg(path)
        assert ours.integrated_lufs == pytest.approx(integrated, abs=0.1), name
        assert ours.range_lu == pytest.approx(range_lu, abs=0.1), name
        assert ours.true_peak_dbtp == pytest.approx(peak, abs=MAX_PEAK_ERROR_DB), name


def test_limiter_holds_the_true_peak(tmp_path: Path) -> None:
    path = tmp_path / "limited.wav"
    _write(path, SPEECH_RATE, speech().reshape(-1, 1) / 32768, gain_db=9, true_peak_limit_dbtp=-1)
    assert -2 < _by_ffmpeg(path)[2] <= -0.9


def _write(path: Path, rate: int, samples: NDArray[np.float64], **options: Any) -> Loudness:
    with open_audio(path, sample_rate_hz=rate, channels=samples.shape[1], measure_loudness=True, **options) as file:
        file.write(samples.astype(np.float32))
    assert file.result.loudness is not None
    return file.result.loudness


def _by_ffmpeg(path: Path) -> tuple[float, float, float]:
    """Return integrated loudness in LUFS, loudness range in LU and true peak in dBTP."""
    _, text = run(
        "ffmpeg", "-nostats", "-i", path, "-filter:a", "ebur128=peak=true:framelog=verbose", "-f", "null", "-"
    )
    summary = text[text.rindex("Summary:") :]
    values = [re.search(rf"{label}: +(-?[0-9.]+)", summary) for label in ("I", "LRA", "Peak")]
    integrated, range_lu, peak = (float(found[1]) for found in values if found)
    return integrated, range_lu, peak
