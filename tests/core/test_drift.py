"""Sources whose clock differs from that of their positions: the error, the smoothness and the samples of the correction."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from audiowriter_core import AudioEncoder, Chunk, Event, Finished
from audiowriter_core.audio.interpolation import HALF, interpolate
from audiowriter_core.audio.sample_types import ALAW, MULAW, compress
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.recordings import Packet, clock, corrected, late_ms, voice


def encode(
    rate: int, channels: Sequence[Sequence[Packet]], order: Sequence[int] = (), **options: Any
) -> tuple[NDArray[np.int16], Finished]:
    """Return the frames, of shape (n, channels), and the totals. `order`: the channel, from 0, of each packet."""
    wanted = {"format": "pcm", "sample_rate_hz": rate, "channels": len(channels), "max_jitter_ms": 20, **options}
    with AudioEncoder(serial=1, **wanted) as encoder:
        waiting = [iter(packets) for packets in channels]
        events: list[Event] = []
        for number in order if len(order) else in_turn(channels):
            packet = next(waiting[number], None)
            if packet is not None:
                events += encoder.write(packet[1], position=packet[0], channel=number + 1)
        return end(encoder, events)


def end(encoder: AudioEncoder, events: list[Event]) -> tuple[NDArray[np.int16], Finished]:
    """Return the frames of a file of S16LE, and the totals."""
    *more, finished = encoder.finish()
    assert isinstance(finished, Finished)
    file = b"".join(event.data for event in [*events, *more] if isinstance(event, Chunk))
    return np.frombuffer(file, "<i2").reshape(-1, encoder.options.output.channels), finished


def in_turn(channels: Sequence[Sequence[Packet]]) -> list[int]:
    return list(range(len(channels))) * max(map(len, channels))


def error_ms(samples: NDArray[Any], rate: int, second: int) -> float:
    """Return how late one second of a voice is, in ms."""
    place = np.arange(second * rate, (second + 1) * rate)
    return late_ms(samples[place], voice(place.astype(float), rate), rate)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.floats(-500, 500), min_size=2, max_size=8),
    st.integers(0, 2**32),
    st.floats(0, 8),
)
def test_samples_are_those_of_the_model_whatever_the_clocks_and_the_order(
    clocks: list[float], seed: int, jitter_ms: float
) -> None:
    rate, random = 1000, np.random.default_rng(seed)
    channels = []
    for number, ppm in enumerate(clocks):
        packets = clock(ppm, rate, 4.5, 60, jitter_ms, seed=number)
        del packets[random.integers(1, len(packets)) :][:2]
        for _ in range(3):  # losses, which are longer than the jitter
            del packets[random.integers(1, len(packets) - 1)]
        channels.append(packets)
    frames, totals = encode(rate, channels, random.permutation(in_turn(channels)).tolist(), max_skew_ms=10_000)
    for number, packets in enumerate(channels):
        expected = corrected(packets, rate, slack=20)
        found = frames[:, number]
        np.testing.assert_allclose(found[: len(expected)], expected, atol=1)
        assert not found[len(expected) :].any()
    assert totals.dropped_samples == 0


def test_the_file_does_not_depend_on_how_packets_were_cut() -> None:
    packets = clock(300, 8000, 5, 800, 3)
    whole, totals = encode(8000, [packets])
    with AudioEncoder(format="pcm", sample_rate_hz=8000, max_jitter_ms=20, serial=1) as encoder:
        events: list[Event] = []
        for position, samples in packets:
            for start in range(0, 800, 77):
                events += encoder.write(samples[start : start + 77], position=None if start else position)
        parts, totals_of_parts = end(encoder, events)
    np.testing.assert_array_equal(parts, whole)
    assert totals_of_parts == totals


def test_a_packet_that_comes_twice_does_not_end_the_correction() -> None:
    packets = clock(0, 8000, 5, 400)
    twice, totals = encode(8000, [[*packets[:7], packets[6], *packets[7:]]])
    np.testing.assert_array_equal(twice[:, 0], np.concatenate([samples for _, samples in packets]))
    assert totals.dropped_samples == 400
    joined = [*packets[:7], (packets[6][0], np.concatenate([packets[6][1], packets[7][1]])), *packets[8:]]
    assert encode(8000, [joined])[1] == totals


@pytest.mark.parametrize("ppm", [-100, 500])
def test_the_error_stays_below_five_milliseconds(ppm: float) -> None:
    packets = clock(ppm, 8000, 240, 160, jitter_ms=5)
    frames, totals = encode(8000, [packets], max_jitter_ms=15)
    errors = [abs(error_ms(frames[:, 0], 8000, second)) for second in range(5, 235, 10)]
    assert max(errors) < 5
    assert max(errors[12:]) < 1  # two minutes after the start
    assert totals.filled_samples == totals.dropped_samples == 0
    assert totals.drift_ppm == pytest.approx(ppm, abs=25)


def test_exact_positions_are_not_changed() -> None:
    packets = clock(0, 8000, 5, 160)
    frames, totals = encode(8000, [packets])
    np.testing.assert_array_equal(frames[:, 0], np.concatenate([samples for _, samples in packets]))
    assert totals.drift_ppm == 0


def test_a_loss_longer_than_the_jitter_is_silence_and_one_that_comes_late_fills_it() -> None:
    packets = clock(0, 8000, 5, 400)
    whole = np.concatenate([samples for _, samples in packets])
    lost, totals = encode(8000, [packets[:7] + packets[8:]])
    assert totals.filled_samples == 400
    assert not lost[2800:3200].any()
    np.testing.assert_array_equal(lost[3200:, 0], whole[3200:])
    late, totals = encode(8000, [[*packets[:7], packets[8], packets[7], *packets[9:]]])
    assert totals.filled_samples == totals.dropped_samples == 0
    np.testing.assert_array_equal(late[:, 0], whole)


CODED: dict[str, tuple[Callable[[NDArray[np.int16]], NDArray[Any]], int]] = {
    "s24le": (lambda samples: samples.astype(np.int32) * 256, 1),
    "s32le": (lambda samples: samples.astype(np.int32) * 65536, 1),
    "f32le": (lambda samples: (samples / 32768).astype(np.float32), 1),
    "f64le": (lambda samples: samples / 32768, 1),
    "u8": (lambda samples: (samples // 256 + 128).astype(np.uint8), 500),
    "mulaw": (lambda samples: compress(samples, MULAW), 1000),
    "alaw": (lambda samples: compress(samples, ALAW), 1000),
}
"""How samples of S16LE are coded in each sample format, and the error of that."""


@pytest.mark.parametrize("sample_format", CODED)
def test_all_sample_formats_are_corrected(sample_format: str) -> None:
    code, error = CODED[sample_format]
    packets = clock(500, 8000, 12, 160)
    expected, _ = encode(8000, [packets])
    coded = [(position, code(samples)) for position, samples in packets]
    found, _ = encode(8000, [coded], sample_format=sample_format, output_sample_format="s16le")
    assert len(found) == len(expected) < 12 * 8000 - 10
    assert np.abs(found.astype(int) - expected).max() <= error


def test_tones_between_samples_are_exact_up_to_the_telephone_band() -> None:
    frames = np.arange(4000)
    points = np.arange(HALF - 1, 3900) + np.linspace(0, 0.999, 3900 - HALF + 1)
    for share in (0.01, 0.1, 0.25, 0.4, 0.42):
        tone = np.sin(2 * np.pi * share * frames)[:, None]
        error = interpolate(tone, points)[:, 0] - np.sin(2 * np.pi * share * points)
        assert 20 * np.log10(np.abs(error).max()) < -85
