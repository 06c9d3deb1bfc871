"""Loudness by the test signals of EBU Tech 3341 and 3342, built from their description; gain and limiter."""

import math
from typing import Any

import numpy as np
import pytest
from audiowriter_core import FORMATS, AudioEncoder, Finished, InvalidArgument, Loudness
from numpy.typing import NDArray
from support.encode import config, encode, speechlike

RATE = 48_000
SPEECH = speechlike(72_000).tobytes()


def tone(db: float, seconds: float, frequency: float = 1000, phase: float = 0) -> NDArray[np.float64]:
    """Return a sine with a peak of `db` dBFS and a phase in degrees."""
    times = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(10 ** (db / 20) * np.sin(2 * np.pi * frequency * times + np.radians(phase)))


def steps(*levels: tuple[float, float], channels: int = 2) -> NDArray[np.float64]:
    """Return tones of (dBFS, seconds), one after the other, equal on all channels."""
    mono = np.concatenate([tone(db, seconds) for db, seconds in levels])
    return np.repeat(mono[:, np.newaxis], channels, axis=1)


def surround() -> NDArray[np.float64]:
    """Return 5.0 sound, with a low frequency channel that does not count. EBU Tech 3341, test 6."""
    levels = {0: -28, 1: -28, 2: -24, 3: -10, 4: -30, 5: -30}
    return np.column_stack([tone(db, 20) for db in levels.values()])


def true_peak(samples: NDArray[Any], rate: int = RATE, **options: Any) -> float:
    peak = measure(samples, rate, **options).true_peak_dbtp
    assert peak is not None
    return peak


def measure(samples: NDArray[Any], rate: int = RATE, cuts: int = 4800, **options: Any) -> Loudness:
    with AudioEncoder(
        format="pcm", sample_rate_hz=rate, channels=samples.shape[1], measure_loudness=True, **options
    ) as encoder:
        for start in range(0, len(samples), cuts):
            encoder.write(samples[start : start + cuts])
        finished = encoder.finish()[-1]
        assert isinstance(finished, Finished) and finished.loudness is not None
        return finished.loudness


@pytest.mark.parametrize(
    ("signal", "lufs"),
    [
        (steps((-23, 20)), -23),
        (steps((-33, 20)), -33),
        (steps((-36, 10), (-23, 60), (-36, 10)), -23),
        (steps((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)), -23),
        (steps((-26, 20), (-20, 20.1), (-26, 20)), -23),
        (surround(), -23),
        (steps((-23, 20), channels=1), -26.01),
    ],
    ids=["tone", "quiet", "relative gate", "absolute gate", "steps", "surround", "mono"],
)
def test_integrated_loudness(signal: NDArray[np.float64], lufs: float) -> None:
    assert measure(signal).integrated_lufs == pytest.approx(lufs, abs=0.1)


@pytest.mark.parametrize(
    ("levels", "range_lu"),
    [((-20, -30), 10), ((-20, -15), 5), ((-40, -20), 20), ((-50, -35, -20, -35, -50), 15)],
)
def test_loudness_range(levels: tuple[float, ...], range_lu: float) -> None:
    assert measure(steps(*((db, 20) for db in levels))).range_lu == pytest.approx(range_lu, abs=1)


@pytest.mark.parametrize(
    ("frequency", "phase", "dbfs"),
    [(RATE / 4, 0, -6), (RATE / 4, 45, -6), (RATE / 6, 60, -6), (RATE / 8, 67.5, -6), (RATE / 4, 45, 3)],
)
def test_true_peak_is_found_between_the_samples(frequency: float, phase: float, dbfs: float) -> None:
    fade = np.clip(np.minimum(np.arange(RATE), np.arange(RATE)[::-1]) / 1000, 0, 1)
    signal = (tone(dbfs, 1, frequency, phase) * fade)[:, np.newaxis]
    assert -0.4 <= true_peak(signal) - dbfs <= 0.2


def test_a_true_peak_at_the_very_end_is_found() -> None:
    click = np.zeros((RATE, 1))
    click[-1] = 0.5
    assert true_peak(click) == pytest.approx(20 * math.log10(0.5), abs=0.3)


def test_the_result_does_not_depend_on_the_cut() -> None:
    samples = speechlike(72_000)
    assert measure(samples, 24_000, 17) == measure(samples, 24_000, 4800) == measure(samples, 24_000, 10**6)


@pytest.mark.parametrize("samples", [0, 1, 1000, RATE], ids=str)
def test_silence_and_short_audio_have_no_loudness(samples: int) -> None:
    assert measure(np.zeros((samples, 1))) == Loudness(None, 0.0, None)


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
def test_copied_g711_is_measured_as_it_sounds(law: str) -> None:
    codes = np.random.default_rng(1).integers(0, 256, 80_000, np.uint8).tobytes()
    copied = encode(config(law, 8000, sample_format=law, measure_loudness=True), codes).finished
    decoded = encode(config("pcm", 8000, sample_format=law, measure_loudness=True), codes).finished
    assert copied.loudness == decoded.loudness
    assert copied.loudness is not None


def test_floats_of_any_size_are_measured() -> None:
    assert math.isfinite(true_peak(np.full((RATE, 1), 1e308)))


@pytest.mark.parametrize("name", list(FORMATS))
def test_measuring_does_not_change_the_file(name: str) -> None:
    measured = encode(config(name, measure_loudness=True, serial=1), SPEECH)
    assert measured.file == encode(config(name, serial=1), SPEECH).file
    assert measured.finished.loudness is not None


def test_gain_moves_loudness_and_peak() -> None:
    samples = speechlike(72_000)
    plain, quieter = measure(samples, 24_000), measure(samples, 24_000, gain_db=-6)
    assert plain.integrated_lufs is not None
    assert quieter.integrated_lufs == pytest.approx(plain.integrated_lufs - 6, abs=0.05)
    assert true_peak(samples, 24_000, gain_db=-6) == pytest.approx(true_peak(samples, 24_000) - 6, abs=0.05)


def test_gain_without_a_limiter_clips_and_counts() -> None:
    finished = encode(config("pcm", gain_db=20), np.full(100, 20_000, "<i2").tobytes()).finished
    assert finished.clipped_samples == 100


@pytest.mark.parametrize("gain_db", [0, 6, 12])
@pytest.mark.parametrize("limit", [-1, -9])
@pytest.mark.parametrize("rate", [8000, 24_000, 48_000, 96_000, 192_000])
def test_the_limiter_holds_the_true_peak(rate: int, limit: float, gain_db: float) -> None:
    samples = speechlike(3 * rate, rate)
    assert true_peak(samples, rate, gain_db=gain_db, true_peak_limit_dbtp=limit) <= limit + 0.1


@pytest.mark.parametrize("name", list(FORMATS))
def test_the_limiter_keeps_length_and_time(name: str) -> None:
    options: dict[str, Any] = {"gain_db": 6, "true_peak_limit_dbtp": -1, "serial": 1}
    limited = encode(config(name, **options), SPEECH)
    assert limited.finished.output_samples == encode(config(name), SPEECH).finished.output_samples
    assert limited.file == encode(config(name, **options), SPEECH, [7, 1001, 9999]).file


def test_audio_below_the_limit_is_not_delayed() -> None:
    limited = np.frombuffer(encode(config("pcm", true_peak_limit_dbtp=0, gain_db=-6), SPEECH).file, "<i2")
    expected = np.frombuffer(SPEECH, "<i2") * 10 ** (-6 / 20)
    # The resamplers take the highest 3 % of the band, and with it some of the noise in the speech.
    assert 10 * np.log10(np.mean(expected**2) / np.mean((limited - expected) ** 2)) > 50


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"gain_db": 61}, "gain_db"),
        ({"gain_db": math.nan}, "gain_db"),
        ({"gain_db": "loud"}, "gain_db"),
        ({"true_peak_limit_dbtp": 1}, "true_peak_limit_dbtp"),
        ({"true_peak_limit_dbtp": -math.inf}, "true_peak_limit_dbtp"),
    ],
)
def test_levels_out_of_range_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidArgument, match=f"{text}.*takes"):
        AudioEncoder(format="wav", sample_rate_hz=24_000, **options)
