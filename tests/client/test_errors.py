"""Errors that are copied or sent to another process."""

import copy
import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import audiowriter_client
import grpc
import pytest
from audiowriter_client import (
    AudioWriterError,
    CallFailed,
    InvalidArgument,
    StreamCancelled,
    TruncatedStream,
    Violation,
)
from audiowriter_client.errors import call_failed
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

DETAILS: dict[str, Any] = {
    "violations": [Violation("config.input.channels", "channels=9: at most 2")],
    "reason": "MAX_CHANNELS_EXCEEDED",
    "metadata": {"limit": "max_channels", "value": "2"},
    "retry_after": 1.5,
}
PUBLIC = [
    kind
    for name in audiowriter_client.__all__
    if isinstance(kind := getattr(audiowriter_client, name), type) and issubclass(kind, BaseException)
]


def an_error(kind: type[AudioWriterError]) -> AudioWriterError:
    error = kind(grpc.StatusCode.UNAVAILABLE, "full", **DETAILS) if issubclass(kind, CallFailed) else kind("10 bytes")
    error.add_note("of the third file")
    return error


@pytest.mark.parametrize("kind", PUBLIC)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_public_error_survives_pickling(kind: type[AudioWriterError], protocol: int) -> None:
    assert_same(pickle.loads(pickle.dumps(an_error(kind), protocol)), an_error(kind))


@pytest.mark.parametrize("kind", PUBLIC)
@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
def test_every_public_error_survives_copying(kind: type[AudioWriterError], how: Callable[[object], object]) -> None:
    assert_same(how(an_error(kind)), an_error(kind))


def assert_same(error: object, expected: AudioWriterError) -> None:
    assert isinstance(error, AudioWriterError)
    assert type(error) is type(expected)
    assert (str(error), repr(error), error.args) == (str(expected), repr(expected), expected.args)
    assert vars(error) == vars(expected)


def test_public_errors_are_found() -> None:
    assert {CallFailed, InvalidArgument, StreamCancelled, TruncatedStream} < set(PUBLIC)


class OwnError(CallFailed):
    """An error class that a caller may derive, with its own constructor."""

    def __init__(self, file: str) -> None:
        super().__init__(grpc.StatusCode.UNKNOWN, "failed", **DETAILS)
        self.file = file


def test_derived_error_survives_too() -> None:
    assert_same(pickle.loads(pickle.dumps(OwnError("a.wav"))), OwnError("a.wav"))


def fail() -> None:
    raise InvalidArgument(grpc.StatusCode.INVALID_ARGUMENT, "no", **DETAILS)


def test_error_is_raised_from_a_process_pool() -> None:
    # "spawn", because a process that has used gRPC must not fork.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool, pytest.raises(InvalidArgument) as caught:
        pool.submit(fail).result(60)
    assert (caught.value.reason, caught.value.violations) == (DETAILS["reason"], tuple(DETAILS["violations"]))


class Failed(grpc.RpcError):
    """The exception that gRPC raises."""

    def __init__(self, retry_delay_ms: int | None, code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE) -> None:
        self._code = code
        self._status = status_pb2.Status(code=code.value[0], message="full")
        if retry_delay_ms is not None:
            delay = duration_pb2.Duration()
            delay.FromMilliseconds(retry_delay_ms)
            packed = any_pb2.Any()
            packed.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
            self._status.details.append(packed)

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "full"

    def trailing_metadata(self) -> Any:
        return rpc_status.to_status(self._status).trailing_metadata


@pytest.mark.parametrize(("delay_ms", "seconds"), [(None, None), (0, 0.0), (1500, 1.5)])
def test_retry_after_is_the_delay_of_the_retry_info(delay_ms: int | None, seconds: float | None) -> None:
    assert call_failed(Failed(delay_ms)).retry_after == seconds


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_every_status_has_its_retry_after(code: grpc.StatusCode) -> None:
    failed = call_failed(Failed(1500, code))
    assert (failed.code, failed.retry_after) == (code, 1.5)


@pytest.mark.parametrize("kind", PUBLIC)
def test_every_public_error_has_retry_after(kind: type[AudioWriterError]) -> None:
    error = an_error(kind)
    assert error.retry_after == (1.5 if isinstance(error, CallFailed) else None)
