"""What a stream is expected to cost."""

from typing import Any

import pytest
from audiowriter_core import FORMATS, AudioEncoder


@pytest.mark.parametrize("name", FORMATS)
def test_a_slice_is_bounded_in_output(name: str) -> None:
    codec = FORMATS[name].codec
    encoder = AudioEncoder(
        format=name,
        sample_rate_hz=1000,
        sample_format="u8",
        channels=max(codec.channels),
        output_sample_rate_hz=max(codec.sample_rates),
        output_sample_format="f64le" if name in ("wav", "pcm") else None,
    )
    cost = encoder.cost
    frame_bytes = max(codec.channels)
    largest = max(256 * 1024, frame_bytes * cost.output_per_byte)
    assert cost.slice_bytes * cost.output_per_byte <= largest
    assert cost.slice_bytes * cost.ms_per_byte <= max(10, frame_bytes * cost.ms_per_byte)


@pytest.mark.parametrize("name", ["mp3", "aac", "opus", "ogg-flac"])
def test_the_cost_grows_with_the_effort(name: str) -> None:
    costs = [cost(name, effort=effort) for effort in range(11)]
    assert costs == sorted(costs)
    assert costs[0] < costs[10]


def test_resampling_and_mixing_cost_more() -> None:
    assert cost("wav") < cost("wav", output_channels=1, channels=2) / 2 < cost("wav", output_sample_rate_hz=48_000)


def cost(name: str, **options: Any) -> float:
    """Return the expected CPU time in ms per second of audio."""
    encoder = AudioEncoder(format=name, sample_rate_hz=24_000, **options)
    return encoder.cost.ms_per_byte * encoder.cost.bytes_per_second
