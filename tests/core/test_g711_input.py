"""G.711 as the input: decoded as FFmpeg does it, and copied into files of the same law."""

from typing import Any

import av
import numpy as np
import pytest
from audiowriter_core import FORMATS, AudioEncoder, InvalidArgument
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.encode import Request, config, encode, resolve, run
from support.ogg import without_serials

EVERY_CODE = bytes(range(256))
CODES = np.random.default_rng(11).integers(0, 256, 8000, np.uint8).tobytes()

laws = pytest.mark.parametrize("law", ["mulaw", "alaw"])
formats = pytest.mark.parametrize("name", list(FORMATS))


def by_ffmpeg(codes: bytes, law: str) -> NDArray[np.int16]:
    """Return the samples of these codes."""
    decoder = av.CodecContext.create(f"pcm_{law}", "r")
    decoder.sample_rate, decoder.layout = 8000, "mono"  # type: ignore[attr-defined]
    frames = [frame for packet in (av.Packet(codes), None) for frame in decoder.decode(packet)]  # type: ignore[attr-defined]
    samples: NDArray[np.int16] = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
    return samples


@laws
def test_each_code_is_the_sample_of_the_recommendation(law: str) -> None:
    encoded = encode(config("pcm", 8000, sample_format=law), EVERY_CODE)
    assert encoded.started.output.sample_type.name == "S16LE"
    np.testing.assert_array_equal(np.frombuffer(encoded.file, "<i2"), by_ffmpeg(EVERY_CODE, law))


@laws
@formats
@pytest.mark.parametrize("change", [{}, {"out_channels": 2}, {"out_rate": 16_000}], ids=["kept", "mixed", "resampled"])
def test_a_file_and_its_totals_are_those_of_the_decoded_samples(law: str, name: str, change: dict[str, Any]) -> None:
    codes = CODES.replace(b"\x7f", b"\xff")  # one of the two zeros of µ-law, because a copy keeps both
    decoded = by_ffmpeg(codes, law).tobytes()
    came = encode(config(name, 8000, sample_format=law, serial=1, **change), codes)
    expected = encode(config(name, 8000, serial=1, **change), decoded)
    assert came.file == expected.file
    assert came.finished == expected.finished


@laws
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("container", ["", "wav-"])
def test_codes_of_the_same_law_are_copied_to_the_byte(law: str, container: str, channels: int) -> None:
    codes = EVERY_CODE * channels
    encoded = encode(config(container + law, 8000, channels, law), codes, [1, 100, 301])
    assert encoded.started.output.sample_type.name == law.upper()
    start = encoded.file.index(b"data") + 8 if container else 0
    assert encoded.file[start : start + len(codes)] == codes
    assert encoded.finished.output_samples == 256
    assert encoded.finished.peak == max(abs(by_ffmpeg(EVERY_CODE, law).astype(int))) / 32768


def test_both_zeros_of_mulaw_are_one_if_the_caller_wants_16_bits() -> None:
    wanted = config("mulaw", 8000, sample_format="mulaw")
    assert encode(wanted, b"\x7f\xff").file == b"\x7f\xff"
    assert encode(wanted | {"output_sample_format": "s16le"}, b"\x7f\xff").file == b"\xff\xff"


@pytest.mark.parametrize("came", ["s16le", "s24le", "f32le", "u8", "alaw"])
def test_any_input_becomes_codes_if_the_caller_wants_them(came: str) -> None:
    plain = config("mulaw", 8000, sample_format=came)
    pcm = bytes(2400) if came == "f32le" else CODES[:2400]
    assert encode(plain | {"output_sample_format": "mulaw"}, pcm).file == encode(plain, pcm).file


@laws
@formats
@settings(max_examples=5, deadline=None)
@given(cuts=st.lists(st.integers(0, len(CODES)), max_size=12))
def test_the_file_does_not_depend_on_how_the_codes_are_cut(law: str, name: str, cuts: list[int]) -> None:
    wanted = config(name, 8000, 2, law, out_rate=16_000 if len(cuts) % 2 else None)
    assert without_serials(encode(wanted, CODES, cuts).file) == without_serials(encode(wanted, CODES).file)


@laws
@formats
def test_a_flush_holds_as_much_as_that_of_16_bits(law: str, name: str) -> None:
    def flushed(sample_format: str, pcm: bytes) -> list[int]:
        encoded = run([Request(config(name, 8000, sample_format=sample_format)), Request(pcm=pcm, flush=True)])
        return [event.held_samples for event in encoded.flushed]

    held = flushed(law, CODES)
    assert held == flushed("s16le", by_ffmpeg(CODES, law).tobytes())
    if name.endswith("law"):
        assert held == [0]


@laws
def test_arrays_of_uint8_are_codes_only_if_the_caller_says_so(law: str) -> None:
    every_code = np.frombuffer(EVERY_CODE, np.uint8)
    with AudioEncoder(format="pcm", sample_rate_hz=8000, sample_format=law) as encoder:
        encoder.write(every_code.reshape(-1, 1))
        assert encoder.input_samples == 256
        assert encoder.options.output.sample_type.name == "S16LE"
    with AudioEncoder(format="pcm", sample_rate_hz=8000) as encoder:
        encoder.write(every_code)
        assert encoder.options.output.sample_type.name == "U8"
    with (
        AudioEncoder(format="pcm", sample_rate_hz=8000, sample_format=law) as encoder,
        pytest.raises(InvalidArgument, match=f"pcm: dtype int16: sample_format {law} takes uint8"),
    ):
        encoder.write(np.zeros(10, np.int16))


def test_the_cost_counts_one_byte_per_sample() -> None:
    cost = AudioEncoder(format="wav", sample_rate_hz=8000, channels=2, sample_format="mulaw").cost
    assert (cost.bytes_per_second, cost.output_per_byte) == (16_000, 2)
    copied = AudioEncoder(format="wav-mulaw", sample_rate_hz=8000, sample_format="mulaw").cost
    assert (copied.bytes_per_second, copied.output_per_byte) == (8000, 1)


@laws
def test_a_stream_that_ends_inside_a_frame_is_refused(law: str) -> None:
    name = law.upper()
    with pytest.raises(InvalidArgument, match=rf"ends with 1 of the 2 bytes of a frame \(2 x {name}\)"):
        encode(config("wav", 8000, 2, law), bytes(3))


@pytest.mark.parametrize(
    ("name", "wanted", "accepted"),
    [
        ("wav", "mulaw", "S16LE, S24LE, S32LE, F32LE, F64LE, U8"),
        ("mp3", "alaw", "S16LE"),
        ("wav-mulaw", "alaw", "S16LE, MULAW"),
        ("alaw", "mulaw", "S16LE, ALAW"),
    ],
)
def test_only_files_of_a_law_have_its_codes(name: str, wanted: str, accepted: str) -> None:
    with pytest.raises(InvalidArgument, match=f"output_sample_format='?{wanted}'?: takes {accepted}$"):
        resolve(config(name, 8000, out_sample_format=wanted))
