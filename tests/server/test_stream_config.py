"""Configs: defaults, and the texts of refusals."""

import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core.audio import sample_types as samples
from audiowriter_server.errors import InvalidArgument
from support.streams import config, resolve

TAGS = "config.output.metadata.tags"


def violations(wanted: pb.StreamConfig) -> dict[str, str]:
    with pytest.raises(InvalidArgument) as caught:
        resolve(wanted)
    return {violation.field: violation.description for violation in caught.value.violations}


def with_pictures(name: str, *pictures: bytes) -> pb.StreamConfig:
    wanted = config(name)
    for data in pictures:
        wanted.output.metadata.pictures.add(data=data)
    return wanted


def test_defaults_are_filled_in() -> None:
    options = resolve(
        pb.StreamConfig(input=pb.PcmInput(sample_rate_hz=24000), output=pb.AudioOutput(format=pb.AUDIO_FORMAT_MP3))
    )
    assert (options.input.sample_type, options.input.channels) == (samples.S16LE, 1)
    output = options.output
    assert (output.sample_rate_hz, output.channels, output.bitrate_bps, output.effort) == (24000, 1, 64_000, 7)


@pytest.mark.parametrize(
    ("name", "came", "kept"),
    [
        ("wav", "U8", "U8"),
        ("wav", "F64LE", "F64LE"),
        ("flac", "U8", "S16LE"),
        ("flac", "S32LE", "S24LE"),
        ("flac", "F32LE", "S24LE"),
        ("mp3", "F32LE", "S16LE"),
        ("opus", "S16LE", "F32LE"),
        ("wav", "MULAW", "S16LE"),
        ("flac", "ALAW", "S16LE"),
        ("wav-mulaw", "MULAW", "MULAW"),
        ("alaw", "ALAW", "ALAW"),
        ("alaw", "MULAW", "S16LE"),
    ],
)
def test_the_sample_format_is_that_of_the_input_or_the_nearest_lossless_one(name: str, came: str, kept: str) -> None:
    assert resolve(config(name, sample_format=came)).output.sample_type.name == kept


def test_one_error_names_all_bad_fields_and_accepted_values() -> None:
    wanted = config("mp3", rate=44101, channels=9, effort=11, page_ms=7, tags={"mood": "x"})
    wanted.input.sample_format = 17  # type: ignore[assignment]
    found = violations(wanted)
    assert found == {
        "config.input.sample_format": "sample_format=17: takes S16LE, S24LE, S32LE, F32LE, F64LE, U8, MULAW, ALAW",
        "config.input.channels": "channels=9: audiowriter takes 1, 2, 3, 4, 5, 6, 7, 8",
        "config.output.sample_rate_hz": "sample_rate_hz=44101: mp3 takes "
        "8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000",
        "config.output.effort": "effort=11: mp3 takes 0 to 10",
        "config.output.page": "page=7 ms: mp3 has no pages",
        f'{TAGS}["mood"]': "tags[\"mood\"]='x': mp3 supports title, artist, album, date, genre, comment, track",
    }


@pytest.mark.parametrize(
    ("wanted", "field", "words"),
    [
        (pb.StreamConfig(), "config.input.sample_rate_hz", "sample_rate_hz=0: audiowriter takes 1000 to 768000"),
        (pb.StreamConfig(), "config.output.format", "AUDIO_FORMAT_UNSPECIFIED: audiowriter writes AUDIO_FORMAT_WAV"),
        (config("mp3", bitrate_bps=65_000), "config.output.bitrate_bps", "mp3 at 24000 Hz with 1 channel takes 8000,"),
        (config("opus", bitrate_bps=5999), "config.output.bitrate_bps", "takes 6000 to 256000"),
        (config("opus", page_ms=50), "config.output.page", "page=50 ms: opus takes 20 to 2000 ms in steps of 20 ms"),
        (config("opus", page_ms=3), "config.output.page", "page=3 ms: opus takes 20 to 2000 ms in steps"),
        (config("opus", opus_frame_ms=40, page_ms=20), "config.output.page", "takes 40 to 2000 ms in steps of 40 ms"),
        (config("opus", opus_frame_ms=30), "config.output.opus_frame", "opus takes 2.5, 5, 10, 20, 40, 60 ms"),
        (config("mp3", wav_header=1), "config.output.wav_header", "wav_header=full: mp3 has no WAV header"),
        (config("wav", wav_header=9), "config.output.wav_header", "wav_header=9: takes full, minimal"),
        (
            with_pictures("aac", b"\x89PNG\r\n\x1a\n"),
            "config.output.metadata.pictures",
            "pictures=1 pictures: aac has no pictures",
        ),
        (
            with_pictures("mp3", b"GIF89a"),
            "config.output.metadata.pictures[0]",
            "pictures[0]=6 bytes: takes a JPEG or PNG file",
        ),
        (
            with_pictures("mp3", *[b"\xff\xd8\xff"] * 9),
            "config.output.metadata.pictures",
            "audiowriter takes 1, the front cover",
        ),
        (config("mp3", opus_frame_ms=20), "config.output.opus_frame", "mp3 has no Opus frames"),
        (config("m4a", page_ms=10), "config.output.page", "page=10 ms: m4a takes 20 to 2000 ms"),
        (
            config("mp3", tags=[("title", "a"), ("title", "b")]),
            f'{TAGS}["title"]',
            "occurs 2 times: mp3 allows this",
        ),
        (
            config("flac", tags=[("title", "a"), ("title", "b")]),
            f'{TAGS}["title"]',
            "flac allows this for artist and genre",
        ),
        (config("opus", vbr_quality=0.5), "config.output.vbr_quality", "opus takes bitrate_bps"),
        (config("vorbis", bitrate_bps=64_000), "config.output.bitrate_bps", "vorbis takes vbr_quality"),
        (
            config("vorbis", vbr_quality=float("nan")),
            "config.output.vbr_quality",
            "vbr_quality=nan: vorbis takes 0 to 1",
        ),
        (config("wav", vbr_quality=0.5), "config.output.vbr_quality", "wav has no rate setting"),
        (config("wav", effort=0), "config.output.effort", "wav has no effort setting"),
        (config("flac", out_sample_format="S32LE"), "config.output.sample_format", "takes S16LE, S24LE"),
        (config("aac", channels=4), "config.output.channels", "aac takes 1, 2, 3, 5, 6"),
        (config("aac", tags={"title": "x"}), f'{TAGS}["title"]', "aac supports no tags"),
        (
            config("opus", tags={"r128_track_gain": "-6.5"}),
            f'{TAGS}["r128_track_gain"]',
            "takes an integer, -32768 to",
        ),
        (
            config("webm", tags={"r128_track_gain": "1"}),
            f'{TAGS}["r128_track_gain"]',
            "webm supports title",
        ),
        (
            config("mp3", tags={"title": "x" * 65_536}),
            TAGS,
            "tags=65541 bytes: audiowriter takes at most 65536",
        ),
        (config("mp3", tags={"title": "a\0b"}), f'{TAGS}["title"]', "U+0000"),
    ],
)
def test_the_error_names_field_value_and_accepted_values(wanted: pb.StreamConfig, field: str, words: str) -> None:
    assert words in violations(wanted)[field]


def test_channels_are_mixed_down_but_not_invented() -> None:
    assert resolve(config("wav", channels=6, out_channels=2)).output.channels == 2
    assert len(violations(config("mp3", out_channels=6))) == 1
    up = violations(config("wav", channels=2, out_channels=6))
    assert "takes 1, 2 if the input has 2" in up["config.output.channels"]
