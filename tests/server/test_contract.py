"""Promises of the contract for every call: unknown fields, details of errors, version and limits of the server."""

from collections.abc import Iterator
from importlib import metadata
from typing import Any

import grpc
import numpy as np
import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from audiowriter_server.rpc.unknown_fields import unknown_fields
from google.api.field_behavior_pb2 import FieldBehavior, field_behavior
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from support.pictures import png
from support.server import Error, ServerProcess, Stream, channel_to
from support.streams import NAMES, config, duration

PCM = bytes(9600)
UNKNOWN = b"\xba\x3e\x01x"
"""Field 999, a string."""


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--max-streams=7") as process:
        yield process


@pytest.fixture
def channel(server: ServerProcess) -> Iterator[grpc.Channel]:
    with channel_to(server) as opened:
        yield opened


def with_unknown(wanted: pb.StreamConfig, path: str) -> pb.StreamConfig:
    part = wanted
    for name in path.split(".")[1:]:
        part = getattr(part, name.partition("[")[0])
        if "[" in name:
            part = part[0]
    part.MergeFromString(UNKNOWN)
    return wanted


@pytest.mark.parametrize(
    "path",
    [
        "config",
        "config.input",
        "config.output",
        "config.output.page",
        "config.output.loudness",
        "config.output.metadata",
        "config.output.metadata.tags[0]",
    ],
)
@pytest.mark.parametrize("method", ["EncodeStream", "Encode", "ResolveConfig"])
def test_an_unknown_field_of_a_config_is_refused_by_number(channel: grpc.Channel, path: str, method: str) -> None:
    wanted = with_unknown(config("opus", page_ms=40, tags={"title": "x"}), path)
    stub = AudioWriterServiceStub(channel)
    with pytest.raises(grpc.RpcError) as caught:
        if method == "EncodeStream":
            list(stub.EncodeStream(iter([pb.EncodeStreamRequest(config=wanted)])))
        elif method == "Encode":
            stub.Encode(pb.EncodeRequest(config=wanted, pcm=PCM))
        else:
            stub.ResolveConfig(pb.ResolveConfigRequest(config=wanted))
    error = Error(caught.value)
    assert (error.code.name, error.fields) == ("INVALID_ARGUMENT", [f"{path}.999"])
    assert "field 999 is not known" in error.text
    assert error_info(caught.value).reason == "UNKNOWN_FIELD"


def test_many_unknown_fields_are_counted_not_listed() -> None:
    long = pb.StreamConfig.FromString(UNKNOWN * 700_000)
    long.output.metadata.tags.extend(pb.Tag(name="a") for _ in range(10_000))
    (violation,) = unknown_fields(long)
    assert str(violation) == "config: has more than 8192 bytes of fields that are not known to this server"


def test_an_unknown_field_is_reported_with_all_other_bad_fields(channel: grpc.Channel) -> None:
    wanted = with_unknown(config("mp3", rate=44_101, channels=99), "config.output")
    wanted.request_id = "two words"
    error = Stream(channel, pb.EncodeStreamRequest(config=wanted)).error()
    assert sorted(error.fields) == [
        "config.input.channels",
        "config.output.999",
        "config.output.sample_rate_hz",
        "config.request_id",
    ]


def error_info(error: grpc.RpcError) -> error_details_pb2.ErrorInfo:
    status = rpc_status.from_call(error)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert [detail.Unpack(info) for detail in status.details].count(True) == 1
    return info


@pytest.mark.parametrize(
    ("requests", "reason"),
    [
        ([pb.EncodeStreamRequest(pcm=PCM)], "CONFIG_MISSING"),
        ([pb.EncodeStreamRequest(config=pb.StreamConfig())], "INVALID_ARGUMENT"),
        ([pb.EncodeStreamRequest(config=config("wav"), pcm=b"x")], "INVALID_ARGUMENT"),
        ([pb.EncodeStreamRequest(config=config("wav", channels=99))], "MAX_CHANNELS_EXCEEDED"),
    ],
)
def test_every_error_has_a_reason_and_a_domain(
    channel: grpc.Channel, requests: list[pb.EncodeStreamRequest], reason: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        list(AudioWriterServiceStub(channel).EncodeStream(iter(requests)))
    info = error_info(caught.value)
    assert (info.reason, info.domain) == (reason, "audiowriter.v1.AudioWriterService")


@pytest.mark.parametrize("bad", ["a b", "é", "\n", "x" * 65])
def test_a_request_id_is_short_printable_ascii(channel: grpc.Channel, bad: str) -> None:
    wanted = config("wav")
    wanted.request_id = bad
    error = Stream(channel, pb.EncodeStreamRequest(config=wanted)).error()
    assert error.fields == ["config.request_id"]


def test_the_log_has_the_request_id(server: ServerProcess, channel: grpc.Channel) -> None:
    wanted = config("wav")
    wanted.request_id = "order-66"
    Stream(channel, pb.EncodeStreamRequest(config=wanted)).start().finish()
    while (line := server.wait_for_line("call")).get("request_id") is None:
        pass
    assert (line["request_id"], line["method"]) == ("order-66", "EncodeStream")


def required(descriptor: Any, path: str) -> Iterator[str]:
    """Yield the paths of the fields that are marked as required, in a message and below it."""
    for field in descriptor.fields:
        if FieldBehavior.Value("REQUIRED") in field.GetOptions().Extensions[field_behavior]:
            yield f"{path}.{field.name}"
            if field.message_type and not field.message_type.full_name.startswith("google."):
                yield from required(field.message_type, f"{path}.{field.name}")


def test_a_config_without_a_required_field_is_refused_by_its_name(channel: grpc.Channel) -> None:
    found = list(required(pb.StreamConfig.DESCRIPTOR, "config"))
    assert found == [
        "config.input", "config.input.sample_rate_hz", "config.output", "config.output.format",
    ]  # fmt: skip
    for path in found:
        wanted = config("wav")
        *above, name = path.split(".")[1:]
        part: Any = wanted
        for parent in above:
            part = getattr(part, parent)
        part.ClearField(name)
        error = Stream(channel, pb.EncodeStreamRequest(config=wanted)).error()
        assert any(field.startswith(path) for field in error.fields), path


@pytest.mark.parametrize("name", NAMES)
def test_resolve_config_returns_what_a_stream_starts_with(channel: grpc.Channel, name: str) -> None:
    wanted = config(name, sample_format="F32LE")
    resolved = AudioWriterServiceStub(channel).ResolveConfig(pb.ResolveConfigRequest(config=wanted)).started
    (first, *_) = AudioWriterServiceStub(channel).EncodeStream(iter([pb.EncodeStreamRequest(config=wanted)]))
    assert first.started.serial
    first.started.ClearField("serial")
    assert resolved == first.started


def test_resolve_config_refuses_what_a_stream_refuses(channel: grpc.Channel) -> None:
    wanted = config("mp3", rate=44_101, page_ms=20)
    with pytest.raises(grpc.RpcError) as caught:
        AudioWriterServiceStub(channel).ResolveConfig(pb.ResolveConfigRequest(config=wanted))
    assert Error(caught.value).fields == Stream(channel, pb.EncodeStreamRequest(config=wanted)).error().fields != []


def test_the_server_says_its_version_and_limits(channel: grpc.Channel) -> None:
    info = AudioWriterServiceStub(channel).GetServerInfo(pb.GetServerInfoRequest())
    assert info.version == metadata.version("audiowriter")
    assert (info.limits.max_streams, info.limits.max_pcm_bytes, info.limits.max_channels) == (7, 1 << 20, 8)
    assert info.limits.max_stream_duration.seconds == 24 * 3600
    assert info.limits.idle_timeout.seconds == 60


def test_list_formats_says_which_bitrates_hold_at_which_rate(channel: grpc.Channel) -> None:
    formats = {info.name: info for info in AudioWriterServiceStub(channel).ListFormats(pb.ListFormatsRequest()).formats}
    mp3 = {(one.sample_rate_hz, one.channels): one for one in formats["mp3"].bitrates}
    assert (mp3[8000, 1].max_bps, mp3[48000, 2].max_bps) == (64_000, 320_000)
    assert 96_000 in mp3[48000, 1].values_bps
    opus = {(one.sample_rate_hz, one.channels): one for one in formats["opus"].bitrates}
    assert (opus[48000, 2].min_bps, opus[48000, 2].max_bps, list(opus[48000, 2].values_bps)) == (12_000, 512_000, [])
    assert not formats["wav"].bitrates
    assert (formats["opus"].min_page, formats["opus"].max_page) == (duration(2.5), duration(2000))
    assert list(formats["opus"].opus_frames) == [duration(ms) for ms in (2.5, 5, 10, 20, 40, 60)]
    assert list(formats["mp3"].repeatable_tags) == ["artist", "genre"]
    assert list(formats["wav"].wav_headers) == [pb.WAV_HEADER_FULL, pb.WAV_HEADER_MINIMAL]
    assert not formats["mp3"].wav_headers
    assert (list(formats["mp3"].picture_mime_types), formats["mp3"].max_picture_bytes) == (
        ["image/jpeg", "image/png"],
        256 * 1024,
    )
    assert (list(formats["aac"].picture_mime_types), formats["aac"].max_picture_bytes) == ([], 0)
    assert (formats["mp3"].max_metadata_bytes, formats["aac"].max_metadata_bytes) == (65_536, 0)


def test_a_picture_is_in_the_file_but_not_in_started(channel: grpc.Channel) -> None:
    wanted = config("flac", tags={"title": "x"})
    wanted.output.metadata.pictures.add(data=png(), description="Front")
    encoded = AudioWriterServiceStub(channel).Encode(pb.EncodeRequest(config=wanted, pcm=PCM))
    assert png() in encoded.file and b"Front" in encoded.file
    assert encoded.started.output.metadata == pb.Metadata(tags=[pb.Tag(name="title", value="x")])


def test_later_pictures_are_refused(channel: grpc.Channel) -> None:
    stream = Stream(channel, pb.EncodeStreamRequest(config=config("mp3", metadata_bytes=4096)))
    stream.send(pb.EncodeStreamRequest(metadata=pb.Metadata(pictures=[pb.Picture(data=png())])))
    assert stream.error().fields == ["metadata.pictures"]


def test_later_metadata_may_come_with_the_config_and_with_pcm(channel: grpc.Channel) -> None:
    later = pb.Metadata(tags=[pb.Tag(name="title", value="Later")])
    wanted = config("flac", metadata_bytes=100)
    requests = [
        pb.EncodeStreamRequest(
            config=wanted, pcm=PCM, metadata=pb.Metadata(tags=[pb.Tag(name="album", value="First")])
        ),
        pb.EncodeStreamRequest(pcm=PCM, metadata=later, flush=pb.Flush()),
    ]
    responses = list(AudioWriterServiceStub(channel).EncodeStream(iter(requests)))
    assert responses[0].started.output.metadata_bytes == 100
    header = responses[-1].finished.header
    assert b"TITLE=Later" in header and b"ALBUM=First" in header


def test_two_artists_and_short_frames_are_written(channel: grpc.Channel) -> None:
    wanted = config("opus", opus_frame_ms=2.5, page_ms=20, tags=[("artist", "A1"), ("artist", "B2")])
    encoded = AudioWriterServiceStub(channel).Encode(pb.EncodeRequest(config=wanted, pcm=PCM))
    assert encoded.started.output.opus_frame == duration(2.5)
    assert [tag.value for tag in encoded.started.output.metadata.tags] == ["A1", "B2"]
    assert b"ARTIST=A1" in encoded.file and b"ARTIST=B2" in encoded.file


def test_the_level_is_changed_and_measured(channel: grpc.Channel) -> None:
    loudness = pb.LoudnessOptions(measure=True, gain_db=1.5, true_peak_limit_dbtp=-9)
    tone = (20_000 * np.sin(np.arange(48_000) / 5)).astype("<i2").tobytes()
    stub = AudioWriterServiceStub(channel)
    encoded = stub.Encode(pb.EncodeRequest(config=config("wav", loudness=loudness), pcm=tone))
    assert encoded.started.output.loudness == loudness
    assert encoded.totals.output_samples == encoded.totals.input_samples
    assert -14 < encoded.totals.loudness.integrated_lufs < -10
    assert -10 < encoded.totals.loudness.true_peak_dbtp < -8.9
    silent = stub.Encode(pb.EncodeRequest(config=config("wav", loudness=loudness), pcm=bytes(48_000)))
    assert silent.totals.HasField("loudness")
    assert not silent.totals.loudness.HasField("integrated_lufs")
    assert not silent.totals.loudness.HasField("true_peak_dbtp")
    assert not stub.Encode(pb.EncodeRequest(config=config("wav"), pcm=tone)).totals.HasField("loudness")


def test_levels_out_of_range_are_refused(channel: grpc.Channel) -> None:
    wanted = config("wav", loudness=pb.LoudnessOptions(gain_db=99, true_peak_limit_dbtp=3))
    with pytest.raises(grpc.RpcError) as caught:
        AudioWriterServiceStub(channel).ResolveConfig(pb.ResolveConfigRequest(config=wanted))
    error = Error(caught.value)
    assert error.fields == ["config.output.loudness.gain_db", "config.output.loudness.true_peak_limit_dbtp"]
    assert "gain_db=99: takes -60 to 60" in error.text
