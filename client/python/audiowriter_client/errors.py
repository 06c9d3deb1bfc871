"""The errors that this package raises.

AudioWriterError
├── CallFailed               the call ended with a status other than OK
│   ├── DeadlineExceeded     DEADLINE_EXCEEDED: the caller's `timeout` expired
│   ├── InvalidArgument      INVALID_ARGUMENT: the config or the PCM is invalid; `violations` lists each field
│   ├── LimitExceeded        RESOURCE_EXHAUSTED: a limit of the server was reached; `reason` names it
│   ├── ServiceUnavailable   UNAVAILABLE: no server, a full or draining server, or a broken connection
│   └── StreamCancelled      CANCELLED
└── TruncatedStream          the file is incomplete: `finished` is missing, or its length or a checksum is wrong

An error of the sink (a full disk, a callable that raises) is raised unchanged.
"""

import copyreg
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

MAX_QUOTE = 64
"""Maximum number of characters of a caller's value in an error."""


def quoted(value: object) -> str:
    """Return a value as text, cut to MAX_QUOTE characters."""
    text = str(value)
    return text if len(text) <= MAX_QUOTE else text[: MAX_QUOTE - 1] + "…"


class AudioWriterError(Exception):
    """Base of all errors of the service and of the stream. Its message is one line. Can be copied and pickled."""

    retry_after: float | None = None
    """Seconds after which the call can be sent again, if a server refused it. None: no server said so."""
    bytes_received: int = 0
    """Bytes of the file that the sink of a stream has received. A callable, a pipe or a Sink keeps them."""
    input_samples: int = 0
    """Samples per channel that the server had received when it sent the last of these bytes: how far a listener got."""

    def __reduce__(self) -> tuple[Any, ...]:
        # By default an exception is rebuilt by calling its constructor with its message only. This does not call the
        # constructor: it restores the attributes.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class TruncatedStream(AudioWriterError):
    """The stream ended before all bytes of the file were received."""


class Violation(NamedTuple):
    """One invalid field of a request, from google.rpc.BadRequest."""

    field: str
    description: str


class CallFailed(AudioWriterError):
    """The call ended with a status other than OK.

    `reason` (UPPER_SNAKE, "" if the status has no google.rpc.ErrorInfo) and `metadata` are from the ErrorInfo,
    `violations` from the BadRequest. `retry_after` is the RetryInfo's delay in seconds: a server refused the call
    without processing it, so it can be sent again after that time. It is None if the status has no RetryInfo.
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
        label = f"{code.name} ({reason})" if reason not in ("", code.name) else code.name
        super().__init__(" ".join(f"{label}: {what}".split()))


class DeadlineExceeded(CallFailed):
    """DEADLINE_EXCEEDED: the call did not end within `timeout` seconds."""


class InvalidArgument(CallFailed):
    """INVALID_ARGUMENT: repeating the call will fail again."""


class LimitExceeded(CallFailed):
    """RESOURCE_EXHAUSTED: a limit of the server, named by `reason` and `metadata`, was reached."""


class ServiceUnavailable(CallFailed):
    """UNAVAILABLE: there is no server at the target, all of them are full or draining, or the connection broke."""


class StreamCancelled(CallFailed):
    """CANCELLED, usually by this client."""

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
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.RESOURCE_EXHAUSTED: LimitExceeded,
    grpc.StatusCode.UNAVAILABLE: ServiceUnavailable,
    grpc.StatusCode.CANCELLED: StreamCancelled,
}


def call_failed(error: grpc.RpcError) -> CallFailed:
    """Build the error of a failed call from the exception of gRPC, sync or asyncio."""
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
    # Details that a proxy has damaged must not hide the status itself.
    try:
        return rpc_status.from_call(call) or status_pb2.Status()
    except (ValueError, DecodeError):
        return status_pb2.Status()
