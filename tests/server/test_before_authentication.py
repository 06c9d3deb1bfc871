"""What clients can cost before they are authenticated."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_server.rpc import small_requests
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2 as reflection
from support.server import ServerProcess, channel_to
from support.streams import config

TOKEN = (("authorization", "Bearer secret"),)
ENCODE = "/audiowriter.v1.AudioWriterService/Encode"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    tokens: Path = tmp_path_factory.mktemp("tokens") / "tokens"
    tokens.write_text("secret\n")
    with ServerProcess(f"--token-file={tokens}", "--first-message-timeout=1") as process:
        yield process


@pytest.fixture
def channel(server: ServerProcess) -> Iterator[grpc.Channel]:
    with channel_to(server) as channel:
        yield channel


class Unsent:
    """Requests of a call that sends nothing until it is cancelled."""

    def __init__(self) -> None:
        self._end = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        self._end.wait(30)
        return iter(())

    def end(self) -> None:
        self._end.set()


def late_call(channel: grpc.Channel) -> Any:
    """Starts an Encode call whose request is sent by an iterator."""
    return channel.stream_unary(ENCODE).future


def iter_of(requests: Unsent) -> Iterator[bytes]:
    yield from requests


def test_a_unary_call_without_a_token_is_refused_before_its_request_arrives(channel: grpc.Channel) -> None:
    requests = Unsent()
    call = late_call(channel)(iter_of(requests), timeout=20)
    assert call.code() is grpc.StatusCode.UNAUTHENTICATED
    requests.end()


def test_a_request_must_arrive_in_time(channel: grpc.Channel) -> None:
    requests = Unsent()
    begin = time.monotonic()
    call = late_call(channel)(iter_of(requests), metadata=TOKEN, timeout=20)
    assert call.code() is grpc.StatusCode.ABORTED
    assert "the request did not arrive within 1 s" in str(call.details())
    assert time.monotonic() - begin < 15, "the server's limit, not the client's deadline"
    requests.end()


def test_a_client_s_unary_call_is_served(channel: grpc.Channel) -> None:
    call: Any = channel.unary_unary(ENCODE, pb.EncodeRequest.SerializeToString, pb.EncodeResponse.FromString)
    encoded = call(pb.EncodeRequest(config=config("wav"), pcm=bytes(4800)), metadata=TOKEN)
    assert encoded.file.startswith(b"RIFF")
    assert encoded.file.endswith(bytes(4800))


def test_long_names_are_refused_by_health_checks(channel: grpc.Channel) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    assert health.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING
    long = health_pb2.HealthCheckRequest(service="a" * 5000)
    for call in (health.Check, lambda request: next(health.Watch(request))):
        with pytest.raises(grpc.RpcError) as caught:
            call(long)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "takes at most 4096" in str(caught.value.details())


@pytest.mark.parametrize(
    "method",
    [
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ],
)
def test_requests_that_do_not_parse_are_refused(server: ServerProcess, channel: grpc.Channel, method: str) -> None:
    call: Any = channel.unary_stream(method)
    with pytest.raises(grpc.RpcError) as caught:
        next(call(b"\xff" * 8, timeout=20))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "is not a valid message" in str(caught.value.details())
    assert not [line for line in server.log if line["level"] == "error"], "any client could fill the log"


def test_watches_are_bounded(channel: grpc.Channel) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    watches = [health.Watch(health_pb2.HealthCheckRequest()) for _ in range(small_requests.MAX_STREAMS)]
    for watch in watches:
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as caught:
        next(health.Watch(health_pb2.HealthCheckRequest()))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    for watch in watches:
        watch.cancel()


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_answers(channel: grpc.Channel, version: str) -> None:
    request = reflection.ServerReflectionRequest(list_services="")
    call: Any = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        reflection.ServerReflectionRequest.SerializeToString,
        reflection.ServerReflectionResponse.FromString,
    )
    (answer,) = call(iter([request]), timeout=20)
    assert "audiowriter.v1.AudioWriterService" in [each.name for each in answer.list_services_response.service]
