"""Positions and channels in messages: refusals and limits. The core's tests have the samples."""

import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from support.server import CONFIG, Error, ServerProcess, Stream, channel_to

RATE = 8000
FRAME = bytes(320)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--max-stream-seconds=600", "--max-file-bytes=2000000") as process:
        yield process


@pytest.fixture
def channel(server: ServerProcess) -> Iterator[grpc.Channel]:
    with channel_to(server) as channel:
        yield channel


def config(channels: int = 1, output: Any = pb.AUDIO_FORMAT_PCM, **ms: Any) -> pb.EncodeStreamRequest:
    durations: dict[str, Any] = {}
    for name, value in (ms or {"max_skew": 1000}).items():
        durations[name] = Duration()
        durations[name].FromNanoseconds(round(value * 1e6))
    return pb.EncodeStreamRequest(
        config=pb.StreamConfig(
            input=pb.PcmInput(sample_rate_hz=RATE, channels=channels, **durations),
            output=pb.AudioOutput(format=output),
        )
    )


def at(position: int | None, pcm: bytes = FRAME, channel: int = 0) -> pb.EncodeStreamRequest:
    return pb.EncodeStreamRequest(pcm=pcm, position=position, channel=channel)


def error_of(channel: grpc.Channel, first: pb.EncodeStreamRequest, *requests: pb.EncodeStreamRequest) -> Error:
    stream = Stream(channel, first)
    for request in requests:
        stream.send(request)
    stream.half_close()
    return stream.error()


def test_channels_and_gaps_become_one_file(channel: grpc.Channel) -> None:
    stream = Stream(channel, config(2))
    stream.send(at(0, b"\1\1" * 160, 1))
    stream.send(at(80, b"\2\2" * 160, 2))
    stream.send(at(200, b"\3\3" * 40, 1))
    stream.send(at(0, b"\4\4" * 10, 1))
    totals = stream.finish()
    assert (totals.input_samples, totals.filled_samples, totals.dropped_samples) == (240, 40 + 80, 10)


@pytest.mark.parametrize(
    ("field", "requests", "text"),
    [
        (
            "position",
            [at(0), at(2_400_161)],
            "position=2400161: takes 0 to 2400160: the stream has 160 samples per channel",
        ),
        ("position", [at(-1)], "position=-1: takes 0 to 2400000"),
        ("position", [at(None, b"\0"), at(1)], "position=1: follows 1 of the 2 bytes of a frame"),
        ("channel", [at(0, channel=2)], "channel=2: takes 1 to 1, or 0"),
    ],
)
def test_a_bad_place_is_refused_with_its_field(
    channel: grpc.Channel, field: str, requests: list[pb.EncodeStreamRequest], text: str
) -> None:
    error = error_of(channel, config(), *requests)
    assert error.named[:2] == ("INVALID_ARGUMENT", "INVALID_ARGUMENT")
    assert error.fields == [field]
    assert text in error.text


@pytest.mark.parametrize(("field", "request_"), [("position", at(0)), ("channel", at(None, channel=1))])
def test_the_config_must_announce_positions(
    channel: grpc.Channel, field: str, request_: pb.EncodeStreamRequest
) -> None:
    error = error_of(channel, CONFIG, request_)
    assert error.fields == [field]
    assert "set max_gap, max_skew or max_jitter" in error.text


@pytest.mark.parametrize(
    ("name", "ms", "text"),
    [
        ("max_gap", 86_400_001, "max_gap=8.64e+07 ms: audiowriter takes 1 to 86400000 ms"),
        ("max_skew", 10_001, "max_skew=10001 ms: audiowriter takes 1 to 10000 ms"),
        ("max_jitter", 0.5, "max_jitter=0.5 ms: audiowriter takes 1 to 1000 ms"),
        ("max_jitter", -1, "max_jitter=-1 ms: audiowriter takes 1 to 1000 ms"),
    ],
)
def test_bad_options_are_refused_with_their_path(channel: grpc.Channel, name: str, ms: float, text: str) -> None:
    error = error_of(channel, config(1, **{name: ms}))
    assert error.fields == [f"config.input.{name}"]
    assert text in error.text


def test_silence_counts_towards_the_length_of_a_stream(channel: grpc.Channel) -> None:
    error = error_of(channel, config(max_gap=3_600_000), at(0), at(600 * RATE))
    assert error.named[1:] == ("MAX_STREAM_SECONDS_EXCEEDED", "max_stream_seconds", "600.0")


def test_silence_counts_towards_the_length_of_a_file(channel: grpc.Channel) -> None:
    error = error_of(channel, config(), at(0), at(200 * RATE))
    assert error.named[1:] == ("MAX_FILE_BYTES_EXCEEDED", "max_file_bytes", "2000000")


def test_memory_for_what_waits_is_reserved() -> None:
    with ServerProcess("--max-memory-bytes=250000000") as server, channel_to(server) as channel:
        first = config(8, max_skew=10_000)
        first.config.input.sample_rate_hz = 192_000
        first.config.input.sample_format = pb.SAMPLE_FORMAT_F64LE
        assert Stream(channel, first).error().named[:2] == ("UNAVAILABLE", "MAX_MEMORY_BYTES_EXCEEDED")


def test_long_gaps_do_not_delay_other_streams(channel: grpc.Channel) -> None:
    gaps = [Stream(channel, config(output=pb.AUDIO_FORMAT_MP3)) for _ in range(4)]
    for stream in gaps:
        stream.send(at(0))
        stream.send(at(120 * RATE))
    other = Stream(channel, CONFIG).start()
    slowest = 0.0
    for _ in range(20):
        begin = time.monotonic()
        other.send(pb.EncodeStreamRequest(pcm=bytes(960), flush=pb.Flush()))
        while next(other.call).WhichOneof("event") != "flushed":
            pass
        slowest = max(slowest, time.monotonic() - begin)
    assert slowest < 5
    for stream in gaps:
        assert stream.finish().input_samples == 120 * RATE + 160
