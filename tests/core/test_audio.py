"""From bytes to the encoder's input: incomplete frames, checks, channels, sample rate."""

import numpy as np
import pytest
from audiowriter_core import FORMATS
from audiowriter_core.audio.layouts import LAYOUTS, can_mix, channel_mask, mix_matrix
from audiowriter_core.audio.reader import PcmReader
from audiowriter_core.errors import InvalidArgument
from support.decode import by_libsndfile
from support.encode import config, encode, resolve, speechlike


def test_an_incomplete_frame_is_kept_until_the_next_call() -> None:
    reader = PcmReader(resolve(config("pcm", channels=2)).input)
    assert reader.read(b"\1\0\2") is None
    samples = reader.read(b"\0\3\0\4\0\5")
    assert samples is not None
    assert samples.tolist() == [[1, 2], [3, 4]]
    with pytest.raises(
        InvalidArgument, match=r"ends with 1 of the 4 bytes of a frame \(2 x S16LE\): takes whole frames"
    ):
        reader.end()


@pytest.mark.parametrize("sample_format", ["F32LE", "F64LE"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_refused_with_their_position(sample_format: str, bad: float) -> None:
    values = np.zeros((100, 2))
    values[70, 1] = bad
    pcm = values.astype("<f4" if sample_format == "F32LE" else "<f8").tobytes()
    with pytest.raises(InvalidArgument, match=f"{bad} at frame 70, channel 1: samples must be finite"):
        encode(config("wav", channels=2, sample_format=sample_format), pcm, [len(pcm) // 3])


@pytest.mark.parametrize(
    ("name", "sample_format", "clipped"), [("flac", "F32LE", 3), ("opus", "F32LE", 3), ("wav", "F32LE", 0)]
)
def test_samples_beyond_full_scale_are_clipped_and_counted_unless_the_file_is_float(
    name: str, sample_format: str, clipped: int
) -> None:
    values = np.array([0.5, 1.0, 1.25, -1.0, -2.0, 1.0001] * 100, "<f4")
    finished = encode(config(name, sample_format=sample_format), values.tobytes()).finished
    assert finished.clipped_samples == clipped * 100
    assert finished.peak == 2.0


@pytest.mark.parametrize("out_rate", [8000, 16000])
@pytest.mark.parametrize("value", [1e300, -1e300, float(np.finfo("<f4").max)])
def test_a_float_beyond_the_range_of_float32_affects_only_adjacent_samples(value: float, out_rate: int) -> None:
    values = np.full(24000, 0.5)
    values[100] = value
    stream = config("pcm", 8000, sample_format="F64LE", out_rate=out_rate, out_sample_format="S16LE")
    samples = np.frombuffer(encode(stream, values.tobytes()).file, "<i2")
    assert np.abs(samples.astype(np.int32)).max() >= 32767
    assert abs(samples[len(samples) // 2] - 16384) <= 1


def test_a_float_beyond_the_range_of_float32_is_limited_in_a_float32_file() -> None:
    stream = config("pcm", sample_format="F64LE", out_sample_format="F32LE")
    samples = np.frombuffer(encode(stream, np.array([0.5, 1e300, -1e300]).tobytes()).file, "<f4")
    assert samples.tolist() == [0.5, np.finfo("<f4").max, np.finfo("<f4").min]


LARGEST = {"F32LE": float(np.finfo("<f4").max), "F64LE": float(np.finfo("<f8").max)}


@pytest.mark.parametrize("out_sample_format", LARGEST)
@pytest.mark.parametrize("sample_format", LARGEST)
@pytest.mark.parametrize(("out_rate", "out_channels"), [(48000, None), (None, 2), (8000, 1)])
def test_finite_samples_never_become_infinite(
    sample_format: str, out_sample_format: str, out_rate: int | None, out_channels: int | None
) -> None:
    stream = config(
        "pcm",
        channels=3,
        sample_format=sample_format,
        out_rate=out_rate,
        out_channels=out_channels,
        out_sample_format=out_sample_format,
    )
    values = np.tile([1.0, 1.0, -1.0], (6000, 3)) * LARGEST[sample_format]
    pcm = values.astype(f"<f{8 if sample_format == 'F64LE' else 4}").tobytes()
    samples = np.frombuffer(encode(stream, pcm).file, "<f8" if out_sample_format == "F64LE" else "<f4")
    assert np.isfinite(samples).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", FORMATS)
def test_the_largest_doubles_are_resampled_in_every_format(name: str) -> None:
    values = np.tile([1.0, 1.0, -1.0], 6000) * LARGEST["F64LE"]
    stream = config(name, 22050, sample_format="F64LE", out_rate=48000)
    assert encode(stream, values.tobytes()).finished.clipped_samples or name in ("wav", "pcm")


@pytest.mark.parametrize(
    ("sample_format", "pcm", "peak"),
    [("S16LE", b"\0\x80", 1.0), ("U8", b"\x80\x40", 0.5), ("S24LE", b"\0\0\xc0", 0.5), ("F32LE", b"", 0.0)],
)
def test_peak_is_that_of_the_input(sample_format: str, pcm: bytes, peak: float) -> None:
    assert encode(config("wav", sample_format=sample_format), pcm).finished.peak == peak


@pytest.mark.parametrize("into", [8000, 11025, 16000, 22050, 24000, 44100, 48000, 96000])
@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100, 48000])
def test_a_converted_rate_is_exact_within_a_sample(rate: int, into: int) -> None:
    frames = rate // 2 + 11
    encoded = encode(config("wav", rate, out_rate=into), speechlike(frames, rate).tobytes(), range(0, frames, 999))
    assert abs(encoded.finished.output_samples - frames * into / rate) <= 1
    assert len(by_libsndfile(encoded.file)) == encoded.finished.output_samples


def test_resampling_adds_no_delay_and_keeps_the_tone() -> None:
    t = np.arange(24000) / 24000
    tone = (8000 * np.sin(2 * np.pi * 440 * t)).astype("<i2")
    decoded = by_libsndfile(encode(config("wav", out_rate=48000), tone.tobytes()).file)[:, 0]
    expected = 8000 / 32768 * np.sin(2 * np.pi * 440 * np.arange(48000) / 48000)
    np.testing.assert_allclose(decoded[1000:-1000], expected[1000:-1000], atol=1e-4)


def test_stereo_to_mono_is_the_mean_and_mono_to_stereo_a_copy() -> None:
    stereo = np.array([[1000, 3000], [-5, 5]], "<i2")
    mono = by_libsndfile(encode(config("wav", channels=2, out_channels=1), stereo.tobytes()).file, "int16")
    assert mono[:, 0].tolist() == [2000, 0]
    both = by_libsndfile(encode(config("wav", out_channels=2), mono.astype("<i2").tobytes()).file, "int16")
    assert both.tolist() == [[2000, 2000], [0, 0]]


@pytest.mark.parametrize("source", LAYOUTS)
@pytest.mark.parametrize("target", [1, 2])
def test_mixing_never_clips(source: int, target: int) -> None:
    assert can_mix(source, target)
    gains = mix_matrix(source, target)
    assert gains.shape == (source, target)
    assert (gains.sum(axis=0) <= 1 + 1e-12).all()


@pytest.mark.parametrize(("source", "target"), [(8, 1), (8, 2), (6, 2), (3, 1), (2, 1), (1, 2)])
def test_a_mixed_file_does_not_depend_on_how_its_input_is_cut(source: int, target: int) -> None:
    # FLAC, whose samples of 24 bits show the last bit of a float.
    stream = config(
        "flac", 24_000, source, "U8", out_channels=target, out_rate=48_000, out_sample_format="S24LE", effort=0
    )
    pcm = np.random.default_rng(1).integers(0, 256, (400, source), np.uint8).tobytes()
    one_by_one = range(0, len(pcm), source)
    assert encode(stream, pcm, one_by_one).file == encode(stream, pcm).file


def test_channel_masks_are_those_of_wave() -> None:
    assert [channel_mask(count) for count in range(1, 9)] == [0x4, 0x3, 0x7, 0x33, 0x37, 0x3F, 0x70F, 0x63F]
