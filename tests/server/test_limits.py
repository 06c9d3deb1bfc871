"""Every limit of the server, exceeded on purpose: each error names its limit."""

import json
import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from grpc_health.v1 import health_pb2, health_pb2_grpc
from support.server import CONFIG, FRAME, LIMIT_S, Error, ServerProcess, Stream, channel_to, poll

STREAMS = 20


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """Start a server with limits that a test reaches within a second or two."""
    with ServerProcess(
        f"--max-streams={STREAMS}",
        "--max-pcm-bytes=2000",
        "--max-stream-seconds=1",
        "--max-file-bytes=50000",
        "--max-sample-rate-hz=96000",
        "--max-channels=2",
        "--max-metadata-bytes=1000",
        "--max-message-bytes=200000",
        "--first-message-timeout=1",
        "--idle-timeout=1",
    ) as process:
        yield process


@pytest.fixture
def channel(server: ServerProcess) -> Iterator[grpc.Channel]:
    with channel_to(server) as channel:
        yield channel


def request(rate: int = 24000, channels: int = 1, **output: Any) -> pb.EncodeStreamRequest:
    return pb.EncodeStreamRequest(
        config=pb.StreamConfig(
            input=pb.PcmInput(sample_rate_hz=rate, channels=channels),
            output=pb.AudioOutput(format=pb.AUDIO_FORMAT_PCM, **output),
        )
    )


def test_message_of_pcm(channel: grpc.Channel) -> None:
    stream = Stream(channel)
    stream.send(pb.EncodeStreamRequest(pcm=bytes(2001)))
    error = stream.error()
    assert error.named == ("INVALID_ARGUMENT", "MAX_PCM_BYTES_EXCEEDED", "max_pcm_bytes", "2000")
    assert error.fields == ["pcm"]


def test_length_in_time(channel: grpc.Channel) -> None:
    stream = Stream(channel, request(rate=8000))
    for _ in range(52):
        stream.send(pb.EncodeStreamRequest(pcm=bytes(320)))
    error = ("RESOURCE_EXHAUSTED", "MAX_STREAM_SECONDS_EXCEEDED", "max_stream_seconds", "1.0")
    assert stream.error().named == error


def test_length_in_bytes(channel: grpc.Channel) -> None:
    stream = Stream(channel, request(rate=96000))
    for _ in range(30):
        stream.send(pb.EncodeStreamRequest(pcm=bytes(1920)))
    assert stream.error().named == ("RESOURCE_EXHAUSTED", "MAX_FILE_BYTES_EXCEEDED", "max_file_bytes", "50000")


@pytest.mark.parametrize("end", ["input", "output"])
def test_sample_rate(channel: grpc.Channel, end: str) -> None:
    over = request(rate=192_000) if end == "input" else request(sample_rate_hz=192_000)
    error = Stream(channel, over).error()
    assert error.named == ("INVALID_ARGUMENT", "MAX_SAMPLE_RATE_HZ_EXCEEDED", "max_sample_rate_hz", "96000")
    assert error.fields == [f"config.{end}.sample_rate_hz"]


def test_channels(channel: grpc.Channel) -> None:
    error = Stream(channel, request(channels=3)).error()
    assert error.named == ("INVALID_ARGUMENT", "MAX_CHANNELS_EXCEEDED", "max_channels", "2")
    assert error.fields == ["config.input.channels"]


def test_fields_above_a_limit_are_listed_with_all_other_bad_fields(channel: grpc.Channel) -> None:
    error = Stream(channel, request(channels=3, sample_rate_hz=192_000, effort=11)).error()
    assert error.named == ("INVALID_ARGUMENT", "MAX_CHANNELS_EXCEEDED", "max_channels", "2")
    assert error.fields == ["config.input.channels", "config.output.sample_rate_hz", "config.output.effort"]


def test_encode_has_the_limits_of_the_config_as_well(channel: grpc.Channel) -> None:
    whole = pb.EncodeRequest(config=request(channels=3).config)
    with pytest.raises(grpc.RpcError) as caught:
        AudioWriterServiceStub(channel).Encode(whole)
    assert Error(caught.value).info.reason == "MAX_CHANNELS_EXCEEDED"
    assert Error(caught.value).fields == ["config.input.channels"]


def test_file_of_a_unary_call(channel: grpc.Channel) -> None:
    config = request(sample_format=pb.SAMPLE_FORMAT_F64LE).config
    whole = pb.EncodeRequest(config=config, pcm=bytes(48_000))
    with pytest.raises(grpc.RpcError) as caught:
        AudioWriterServiceStub(channel).Encode(whole)
    error = Error(caught.value)
    assert error.named == ("INVALID_ARGUMENT", "MAX_MESSAGE_BYTES_EXCEEDED", "max_message_bytes", "200000")
    assert error.fields == ["pcm"]


def test_length_of_a_unary_call(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        AudioWriterServiceStub(channel).Encode(pb.EncodeRequest(config=request().config, pcm=bytes(48_002)))
    error = Error(caught.value)
    assert error.named == ("INVALID_ARGUMENT", "MAX_STREAM_SECONDS_EXCEEDED", "max_stream_seconds", "1.0")
    assert error.fields == ["pcm"]


@pytest.mark.parametrize("first", [True, False], ids=["first_message", "idle"])
def test_silence(channel: grpc.Channel, first: bool) -> None:
    name = "first_message_timeout" if first else "idle_timeout"
    stream = Stream(channel, None if first else CONFIG)
    assert stream.error().named == ("ABORTED", f"{name.upper()}_EXCEEDED", name, "1")


def test_metadata(channel: grpc.Channel) -> None:
    stream = Stream(channel, metadata=[("x-much", "a" * 1000)])
    error = stream.error()
    assert error.named == ("INVALID_ARGUMENT", "MAX_METADATA_BYTES_EXCEEDED", "max_metadata_bytes", "1000")
    assert error.fields == ["metadata"]


def test_metadata_far_beyond_is_refused_by_grpc(channel: grpc.Channel) -> None:
    assert Stream(channel, metadata=[("x-much", "a" * 20_000)]).error().code is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_full_server_sends_a_retry_delay_and_answers_health(channel: grpc.Channel) -> None:
    live = [Stream(channel).start() for _ in range(STREAMS)]
    refused = Stream(channel).error()
    health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    AudioWriterServiceStub(channel).ListFormats(pb.ListFormatsRequest())
    finished = [stream.finish() for stream in live]
    assert refused.named == ("UNAVAILABLE", "MAX_STREAMS_EXCEEDED", "max_streams", str(STREAMS))
    assert refused.retry.retry_delay.ToMilliseconds() == 1000
    assert "grpc-retry-pushback-ms" not in refused.trailing  # gRPC would wait although another server has room
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert len(finished) == STREAMS


def test_refused_call_is_retried_by_the_clients_policy(server: ServerProcess, channel: grpc.Channel) -> None:
    policy = {
        "maxAttempts": 5,
        "initialBackoff": "0.1s",
        "maxBackoff": "1s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    config = {"methodConfig": [{"name": [{}], "retryPolicy": policy}]}
    live = [Stream(channel).start() for _ in range(STREAMS)]
    with channel_to(server, options=[("grpc.service_config", json.dumps(config))]) as patient:
        late = Stream(patient)
        time.sleep(0.3)
        for stream in live:
            stream.finish()
        assert late.start().finish().file_bytes == 0


def test_stopped_reader_uses_little_memory_and_ends_with_a_named_error() -> None:
    """Uses messages of the size in which clients send PCM; the largest messages take two and a half times the memory."""
    readers = 10
    with ServerProcess("--stalled-reader-timeout=2", "--idle-timeout=30") as server, channel_to(server) as channel:
        Stream(channel).start().finish()
        before = server.resident_bytes()
        streams = [Stream(channel) for _ in range(readers)]
        pcm = pb.EncodeStreamRequest(pcm=bytes(64 * 1024))
        for stream in streams:
            for _ in range(256):  # 16 MiB: more than all buffers in between
                stream.send(pcm)
        most = before
        ended = 0
        deadline = time.monotonic() + LIMIT_S
        while ended < readers and time.monotonic() < deadline:
            most = max(most, server.resident_bytes())
            ended = server.ended("STALLED_READER_TIMEOUT_EXCEEDED")
            time.sleep(0.05)
        errors = [stream.error() for stream in streams]
    error = ("ABORTED", "STALLED_READER_TIMEOUT_EXCEEDED", "stalled_reader_timeout", "2")
    assert [each.named for each in errors] == [error] * readers
    assert (most - before) / readers < 1024 * 1024


def test_fast_writer_is_slowed_down_not_buffered() -> None:
    with ServerProcess() as server, channel_to(server) as channel:
        Stream(channel).start().finish()
        before = server.resident_bytes()
        opus = pb.AudioOutput(format=pb.AUDIO_FORMAT_OGG_OPUS)
        config = pb.StreamConfig(input=pb.PcmInput(sample_rate_hz=48000, channels=2), output=opus)
        stream = Stream(channel, pb.EncodeStreamRequest(config=config))
        for _ in range(64):  # 64 MiB, 6 minutes of audio
            stream.send(pb.EncodeStreamRequest(pcm=bytes(1024 * 1024)))
        poll(lambda: next(stream.call).chunk.input_samples > 5 * 48000, "no progress")
        grown = server.resident_bytes() - before
        stream.call.cancel()
        assert grown < 24 * 1024 * 1024


def test_streams_beyond_the_limit_of_a_connection_wait() -> None:
    with ServerProcess("--max-connection-streams=2") as server, channel_to(server) as channel:
        two = [Stream(channel).start() for _ in range(2)]
        third = Stream(channel)
        third.send(pb.EncodeStreamRequest(pcm=FRAME))
        for stream in two:
            stream.finish()
        assert third.start().finish().file_bytes == len(FRAME)
