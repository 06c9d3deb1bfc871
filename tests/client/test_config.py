from typing import Any

import numpy as np
import pytest
from audiowriter.v1.audio_writer_pb2 import (
    AudioFormat,
    AudioOutput,
    LoudnessOptions,
    Metadata,
    PcmInput,
    Picture,
    SampleFormat,
    StreamConfig,
    Tag,
    WavHeader,
)
from audiowriter_client import stream_config
from audiowriter_client.config import SAMPLE_FORMATS, WAV_HEADERS, TagOptions
from audiowriter_client.formats import AUDIO_FORMATS
from google.protobuf.duration_pb2 import Duration


def test_values_are_set_in_their_fields() -> None:
    config = stream_config(
        format="opus",
        sample_rate_hz=44100,
        channels=2,
        sample_format="f32le",
        bitrate_bps=96000,
        effort=0,
        page_ms=20,
        opus_frame_ms=2.5,
        tags={"title": "Ωmega"},
        gain_db=-3,
        true_peak_limit_dbtp=-1,
        measure_loudness=True,
        pictures=[b"PNG", Picture(data=b"JPEG", description="Front")],
        wav_header="minimal",
        request_id="42",
        output_sample_rate_hz=48000,
        output_channels=1,
        output_sample_format="s16le",
    )
    assert config == StreamConfig(
        input=PcmInput(sample_format=SampleFormat.SAMPLE_FORMAT_F32LE, sample_rate_hz=44100, channels=2),
        output=AudioOutput(
            format=AudioFormat.AUDIO_FORMAT_OGG_OPUS,
            sample_rate_hz=48000,
            channels=1,
            sample_format=SampleFormat.SAMPLE_FORMAT_S16LE,
            bitrate_bps=96000,
            effort=0,
            page=Duration(nanos=20_000_000),
            opus_frame=Duration(nanos=2_500_000),
            metadata=Metadata(
                tags=[Tag(name="title", value="Ωmega")],
                pictures=[Picture(data=b"PNG"), Picture(data=b"JPEG", description="Front")],
            ),
            loudness=LoudnessOptions(measure=True, gain_db=-3, true_peak_limit_dbtp=-1),
            wav_header=WavHeader.WAV_HEADER_MINIMAL,
        ),
        request_id="42",
    )


@pytest.mark.parametrize(
    "tags",
    [
        {"title": "x", "artist": ["a", "b"]},
        [("title", "x"), ("artist", "a"), ("artist", "b")],
    ],
    ids=["mapping", "pairs"],
)
def test_a_tag_may_have_several_values(tags: TagOptions) -> None:
    metadata = stream_config(format="mp3", sample_rate_hz=8000, tags=tags).output.metadata
    assert [(tag.name, tag.value) for tag in metadata.tags] == [("title", "x"), ("artist", "a"), ("artist", "b")]


@pytest.mark.parametrize("pictures", [b"PNG", "cover.png", 1, ["cover.png"], [None]])
def test_pictures_are_a_list_of_bytes_or_messages(pictures: Any) -> None:
    with pytest.raises(TypeError, match="pictures: expected"):
        stream_config(format="mp3", sample_rate_hz=8000, pictures=pictures)


def test_every_format_of_the_contract_has_a_name() -> None:
    assert list(AUDIO_FORMATS.values()) == AudioFormat.keys()[1:]
    assert list(SAMPLE_FORMATS.values()) == SampleFormat.keys()[1:]
    assert list(WAV_HEADERS.values()) == WavHeader.keys()[1:]


def test_values_that_are_not_given_stay_unset() -> None:
    output = stream_config(format="mp3", sample_rate_hz=24000).output
    assert [field.name for field, _ in output.ListFields()] == ["format"]


def test_quality_zero_is_not_the_default() -> None:
    assert stream_config(format="mp3", sample_rate_hz=24000, vbr_quality=0).output.WhichOneof("rate") == "vbr_quality"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"format": "wma"}, "format='wma': expected one of wav, vorbis, opus, flac, mp3, aac, pcm"),
        ({"sample_format": "s8"}, "sample_format='s8': expected one of s16le, "),
        ({"output_sample_format": "s8"}, "output_sample_format='s8': expected one of s16le, "),
        ({"bitrate_bps": 1, "vbr_quality": 1}, "bitrate_bps and vbr_quality are mutually exclusive"),
        ({"format": ["mp3"]}, r"format=\['mp3'\]: expected one of wav, "),
        ({"output_sample_format": ""}, "output_sample_format='': expected one of s16le, "),
        ({"sample_rate_hz": -1}, "sample_rate_hz=-1: expected an integer from 0 to 4294967295"),
        ({"channels": 2**32}, "channels=4294967296: expected"),
        ({"output_sample_rate_hz": -1}, "output_sample_rate_hz=-1: expected"),
        ({"output_channels": -1}, "output_channels=-1: expected"),
        ({"bitrate_bps": 10**100}, "bitrate_bps=10{62}…: expected"),
        ({"effort": -1}, "effort=-1: expected"),
        ({"page_ms": -1}, "page_ms=-1: expected"),
        ({"tags": {"title": "\ud800"}}, r"tags: '\\ud800' has a lone surrogate"),
        ({"format": "x" * 1000}, f"^format='{'x' * 62}…: expected"),
        ({"page_ms": float("nan")}, "page_ms=nan: expected a duration"),
        ({"opus_frame_ms": 1e300}, "opus_frame_ms=1e\\+300: expected a duration"),
    ],
)
def test_errors_name_the_wrong_value(wrong: dict[str, object], message: str) -> None:
    values: dict[str, object] = {"format": "mp3", "sample_rate_hz": 24000} | wrong
    with pytest.raises(ValueError, match=message):
        stream_config(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sample_rate_hz": "24000"}, "sample_rate_hz: expected an integer, not str '24000'"),
        ({"sample_rate_hz": 24000.5}, r"sample_rate_hz: expected an integer, not float 24000\.5"),
        ({"channels": True}, "channels: expected an integer, not bool True"),
        ({"bitrate_bps": "64k"}, "bitrate_bps: expected an integer, not str '64k'"),
        ({"vbr_quality": "best"}, "vbr_quality: expected a number, not str 'best'"),
        ({"page_ms": "2.5"}, "page_ms: expected a number, not str '2.5'"),
        ({"tags": "title=Fox"}, "tags: expected a mapping, or pairs of name and value, not str"),
        ({"tags": [1, 2]}, "tags: expected pairs of name and value, not 1"),
        ({"tags": ["ab"]}, "tags: expected pairs of name and value, not 'ab'"),
        ({"tags": [("title",)]}, r"tags: expected pairs of name and value, not \('title',\)"),
        ({"tags": {"track": 1}}, "tags: expected str, not int 1"),
        ({"tags": {1: "Fox"}}, "tags: expected str, not int 1"),
    ],
)
def test_errors_name_the_argument_of_a_wrong_type(wrong: dict[str, object], message: str) -> None:
    values: dict[str, object] = {"format": "mp3", "sample_rate_hz": 24000} | wrong
    with pytest.raises(TypeError, match=message):
        stream_config(**values)  # type: ignore[arg-type]


def test_numbers_of_numpy_are_accepted() -> None:
    config = stream_config(format="mp3", sample_rate_hz=np.int64(24000), vbr_quality=np.float32(0.5))  # type: ignore[arg-type]
    assert (config.input.sample_rate_hz, config.output.vbr_quality) == (24000, 0.5)
