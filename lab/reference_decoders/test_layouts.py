"""Layouts that we write ourselves, compared field by field with those of other programs for the same audio."""

from pathlib import Path
from struct import unpack

import pytest
import soundfile
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from audiowriter_server.rpc.format_info import list_formats

from lab.reference_decoders import layouts
from lab.reference_decoders.layouts import Fields
from lab.reference_decoders.product import Order, make, metadata
from lab.reference_decoders.signals import SPEECH_RATE, speech, tones
from lab.reference_decoders.tools import run

FORMATS = {info.name: info for info in list_formats().formats}
TAGS = {
    "title": "A title",
    "artist": "An artist",
    "album": "An album",
    "date": "2024",
    "genre": "Speech",
    "comment": "A comment of more than the twenty-eight characters that ID3v1 has",
    "track": "7",
}


def ours(server: AudioWriterServiceStub, folder: Path, order: Order) -> bytes:
    source = speech()[:, None] / 32768
    if (order.rate, order.channels) != (SPEECH_RATE, 1):
        source = tones(order.rate, order.channels, order.rate, 16)
    soundfile.write(folder / "source.wav", source, order.rate, subtype="PCM_16")
    return make(server, order, source, folder).file.read_bytes()


def theirs(folder: Path, suffix: str, command: str) -> bytes:
    """Run a program's `command`, with source and target in braces, and return its file."""
    target = folder / f"theirs{suffix}"
    words = [word.format(source=folder / "source.wav", target=target) for word in command.split()]
    _, said = run(*words)
    assert not said
    return target.read_bytes()


def differing(left: Fields, right: Fields) -> set[str]:
    return {name for name in left.keys() | right.keys() if left.get(name) != right.get(name)}


UNREVEALED = {"lowpass", "replay gain", "peak", "encoding flags", "ath type", "noise shaping", "preset", "unwise"}
"""Fields that LAME knows and lameenc does not return: ours contain "unknown"."""
BUILDS = {"music crc", "tag crc"}
"""Two builds of LAME round a few samples in ten thousand differently."""
VARIABLE = {"quality"}
"""With variable bitrate LAME treats a -q below 5 as 0, and records that."""


@pytest.mark.parametrize(
    ("output", "setting"),
    [(pb.AudioOutput(bitrate_bps=64000), "--cbr -b 64"), (pb.AudioOutput(vbr_quality=5 / 9), "-V 4")],
    ids=["constant", "variable"],
)
def test_lame_tag_equals_that_of_lame(
    output: pb.AudioOutput, setting: str, server: AudioWriterServiceStub, tmp_path: Path
) -> None:
    file = ours(server, tmp_path, Order(FORMATS["mp3"], SPEECH_RATE, output=output))
    mine = layouts.lame_tag(file)
    lame = layouts.lame_tag(theirs(tmp_path, ".mp3", f"lame --quiet --resample 24 {setting} {{source}} {{target}}"))
    assert mine["tag crc holds"]
    assert lame["tag crc holds"]
    assert mine["music crc"] == layouts.crc16(file[layouts.mpeg_frame_bytes(file) :])
    assert max(abs(left - right) for left, right in zip(mine.pop("toc"), lame.pop("toc"), strict=True)) <= 1
    assert differing(mine, lame) <= UNREVEALED | BUILDS | (VARIABLE if output.HasField("vbr_quality") else set())


def test_id3v1_tag_equals_that_of_lame(server: AudioWriterServiceStub, tmp_path: Path) -> None:
    mine = layouts.id3v1(
        ours(server, tmp_path, Order(FORMATS["mp3"], SPEECH_RATE, output=pb.AudioOutput(metadata=metadata(TAGS))))
    )
    options = ("--tt", "--ta", "--tl", "--ty", "--tg", "--tc", "--tn")
    tags = [word for pair in zip(options, TAGS.values(), strict=True) for word in pair]
    target = tmp_path / "theirs.mp3"
    assert not run("lame", "--quiet", "--add-id3v2", *tags, tmp_path / "source.wav", target)[1]
    assert differing(mine, layouts.id3v1(target.read_bytes())) == set()


@pytest.mark.parametrize(
    ("sample_format", "channels", "codec"),
    [
        (pb.SAMPLE_FORMAT_U8, 1, "pcm_u8"),
        (pb.SAMPLE_FORMAT_S16LE, 1, "pcm_s16le"),
        (pb.SAMPLE_FORMAT_S16LE, 2, "pcm_s16le"),
        (pb.SAMPLE_FORMAT_S16LE, 6, "pcm_s16le"),
        (pb.SAMPLE_FORMAT_S24LE, 2, "pcm_s24le"),
        (pb.SAMPLE_FORMAT_S32LE, 8, "pcm_s32le"),
        (pb.SAMPLE_FORMAT_F32LE, 6, "pcm_f32le"),
        (pb.SAMPLE_FORMAT_F64LE, 7, "pcm_f64le"),
    ],
)
def test_wave_header_equals_that_of_ffmpeg(
    sample_format: pb.SampleFormat, channels: int, codec: str, server: AudioWriterServiceStub, tmp_path: Path
) -> None:
    output = pb.AudioOutput(sample_format=sample_format)
    mine = layouts.riff(ours(server, tmp_path, Order(FORMATS["wav"], 48000, channels, output=output)))
    layout = {1: "mono", 2: "stereo", 6: "5.1", 7: "6.1", 8: "7.1"}[channels]
    command = f"ffmpeg -v error -channel_layout {layout} -i {{source}} -bitexact -c:a {codec} {{target}}"
    ffmpeg = layouts.riff(theirs(tmp_path, ".wav", command))
    assert differing(layouts.wave_format(mine["fmt "]), layouts.wave_format(ffmpeg["fmt "])) == set()
    assert mine.get("fact") == ffmpeg.get("fact")
    if sample_format != pb.SAMPLE_FORMAT_U8:  # FFmpeg truncates to eight bits, we round
        assert mine["data"] == ffmpeg["data"]
    assert unpack("<I", mine["RIFF"][4:])[0] == (tmp_path / "file.wav").stat().st_size - 8


@pytest.mark.parametrize("channels", [1, 2])
def test_wave_header_of_floats_equals_that_of_sox(
    channels: int, server: AudioWriterServiceStub, tmp_path: Path
) -> None:
    output = pb.AudioOutput(sample_format=pb.SAMPLE_FORMAT_F32LE)
    mine = layouts.riff(ours(server, tmp_path, Order(FORMATS["wav"], 48000, channels, output=output)))
    sox = layouts.riff(theirs(tmp_path, ".wav", "sox {source} -e float -b 32 {target}"))
    assert mine["fmt "] == sox["fmt "]
    assert mine["fact"] == sox["fact"]
    assert mine["data"] == sox["data"]


def test_adts_headers_equal_those_of_ffmpeg(server: AudioWriterServiceStub, tmp_path: Path) -> None:
    mine = list(layouts.adts(ours(server, tmp_path, Order(FORMATS["aac"], SPEECH_RATE))))
    ffmpeg = list(layouts.adts(theirs(tmp_path, ".aac", "ffmpeg -v error -i {source} -c:a aac {target}")))
    assert len(mine) == len(ffmpeg)
    for left, right in zip(mine, ffmpeg, strict=True):
        assert differing(left, right) <= {"length"}


@pytest.mark.parametrize("channels", FORMATS["opus"].channels)
def test_opus_head_and_pages_equal_those_of_opusenc(
    channels: int, server: AudioWriterServiceStub, tmp_path: Path
) -> None:
    mine = list(layouts.ogg_pages(ours(server, tmp_path, Order(FORMATS["opus"], 48000, channels))))
    opusenc = list(layouts.ogg_pages(theirs(tmp_path, ".opus", "opusenc --quiet {source} {target}")))
    assert all(page["crc holds"] for page in mine + opusenc)
    assert differing(layouts.opus_head(mine[0]["body"]), layouts.opus_head(opusenc[0]["body"])) == set()
    for place in (0, 1, -1):
        assert differing(mine[place], opusenc[place]) <= {"serial", "sequence", "crc", "segments", "body"}
    assert [page["sequence"] for page in mine] == list(range(len(mine)))
