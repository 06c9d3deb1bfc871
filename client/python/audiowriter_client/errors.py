"""What can go wrong.

AudioWriterError
├── CallFailed               the call ended with a status other than OK
│   ├── InvalidArgument      INVALID_ARGUMENT: the config or the PCM is wrong; `violations` says where
│   ├── LimitExceeded        RESOURCE_EXHAUSTED: the stream used up one of the server's limits; `reason` says which
│   ├── ServiceUnavailable   UNAVAILABLE: no server, a full or draining one, or the connection broke
│   └── StreamCancelled      CANCELLED
└── TruncatedStream          the file is not whole: no `finished`, or its length or hash disagrees

An error of the sink (a full disk, a callable that raises) comes through as it is.
"""

import copyreg
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status


class AudioWriterError(Exception):
    """Base of all errors of the service and of the stream. Its message is one line. Can be copied and pickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is rebuilt from the arguments of its constructor, by default its message alone. This does without the
        # constructor: the attributes are restored as they are.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class TruncatedStream(AudioWriterError):
    """The stream ended without all bytes of the file."""


class Violation(NamedTuple):
    """One bad field of a request, from google.rpc.BadRequest."""

    field: str
    description: str


class CallFailed(AudioWriterError):
    """The call ended with a status other than OK.

    `reason` (UPPER_SNAKE, "" if the status has no google.rpc.ErrorInfo) and `metadata` are the ErrorInfo's;
    `violations` are the BadRequest's. `retry_after` is the RetryInfo's delay in seconds: a server refused the call and did
    nothing, so it can be sent again after that time. None if the status has no RetryInfo.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        details: str,
        *,
        violations: Sequence[Violation] = (),
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.code = code
        self.details = details
        self.violations = tuple(violations)
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after
        what = "; ".join(f"{field}: {description}" for field, description in self.violations) or details
        label = f"{code.name} ({reason})" if reason else code.name
        super().__init__(" ".join(f"{label}: {what}".split()))


class InvalidArgument(CallFailed):
    """INVALID_ARGUMENT: asking again for the same will fail again."""


class LimitExceeded(CallFailed):
    """RESOURCE_EXHAUSTED: the stream used up one of the server's limits, named by `reason` and `metadata`."""


class ServiceUnavailable(CallFailed):
    """UNAVAILABLE: there is no server at the target, all of them are full or draining, or the connection broke."""


class StreamCancelled(CallFailed):
    """CANCELLED, as a rule by this client."""

    def __init__(
        self,
        code: grpc.StatusCode = grpc.StatusCode.CANCELLED,
        details: str = "the stream was cancelled",
        *,
        violations: Sequence[Violation] = (),
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(
            code, details, violations=violations, reason=reason, metadata=metadata, retry_after=retry_after
        )


_BY_CODE: Mapping[grpc.StatusCode, type[CallFailed]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.RESOURCE_EXHAUSTED: LimitExceeded,
    grpc.StatusCode.UNAVAILABLE: ServiceUnavailable,
    grpc.StatusCode.CANCELLED: StreamCancelled,
}


def call_failed(error: grpc.RpcError) -> CallFailed:
    """Make the error of a failed call from what gRPC raised for it, sync or asyncio."""
    call = cast("grpc.Call", error)
    bad_request, info = error_details_pb2.BadRequest(), error_details_pb2.ErrorInfo()
    retry, retry_after = error_details_pb2.RetryInfo(), None
    for detail in _status(call).details:
        detail.Unpack(bad_request)
        detail.Unpack(info)
        if detail.Unpack(retry):
            retry_after = retry.retry_delay.ToMicroseconds() / 1e6
    violations = [Violation(one.field, one.description) for one in bad_request.field_violations]
    return _BY_CODE.get(call.code(), CallFailed)(
        call.code(),
        call.details() or "",
        violations=violations,
        reason=info.reason,
        metadata=dict(info.metadata),
        retry_after=retry_after,
    )


def _status(call: grpc.Call) -> status_pb2.Status:
    # What a proxy garbled must not hide the status itself.
    try:
        return rpc_status.from_call(call) or status_pb2.Status()
    except (ValueError, DecodeError):
        return status_pb2.Status()
