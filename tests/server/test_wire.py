"""Conversion between protobuf messages and the core: every format and every option is unchanged."""

import numpy as np
import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core.audio.sample_types import SAMPLE_TYPES
from support.streams import NAMES, config, encode, resolve


def test_the_table_has_every_format_of_the_proto() -> None:
    assert sorted(NAMES.values()) == sorted(set(pb.AudioFormat.values()) - {pb.AUDIO_FORMAT_UNSPECIFIED})


def test_every_sample_format_of_the_proto_is_that_of_the_core() -> None:
    numbers = {kind.name: pb.SampleFormat.Value(f"SAMPLE_FORMAT_{kind.name}") for kind in SAMPLE_TYPES.values()}
    assert sorted(numbers.values()) == sorted(set(pb.SampleFormat.values()) - {pb.SAMPLE_FORMAT_UNSPECIFIED})
    for name in numbers:
        wanted = config("pcm", sample_format=name)
        assert resolve(wanted).input.sample_type is SAMPLE_TYPES[name.lower()]


@pytest.mark.parametrize("name", NAMES)
def test_started_resolves_to_itself(name: str) -> None:
    started = encode(config(name), b"").started
    again = resolve(pb.StreamConfig(input=pb.PcmInput(sample_rate_hz=24000), output=started.output))
    assert again == resolve(config(name))


@pytest.mark.parametrize("name", NAMES)
def test_finished_has_the_duration_to_the_nanosecond(name: str) -> None:
    encoded = encode(config(name, 24000), bytes(2 * 8000))
    assert encoded.totals.duration.ToNanoseconds() == 333_333_333
    assert encoded.totals.delay_samples == encoded.started.delay_samples


@pytest.mark.parametrize("value", [1e300, 3.5e38, 0.1])
def test_the_peak_is_that_of_the_samples(value: float) -> None:
    totals = encode(config("pcm", sample_format="F64LE"), np.array([0.01, -value]).tobytes()).totals
    assert totals.peak == value
