"""The errors that end a call, and the gRPC status of each.

CallError
├── InvalidArgument     INVALID_ARGUMENT     the config or the PCM is invalid; one violation per bad field
│   ├── UnknownFields   INVALID_ARGUMENT     the config has fields that this server does not know
│   └── AboveLimit      INVALID_ARGUMENT     a field exceeds a limit of the server; the error names the limit
├── OutOfOrder          FAILED_PRECONDITION  a message was sent at the wrong time
├── LimitExceeded       RESOURCE_EXHAUSTED   a stream has reached a limit of the server; the error names the limit
├── CallerFull          RESOURCE_EXHAUSTED   the caller has max_caller_streams live streams
├── TimedOut            ABORTED              the client did not send, or did not read, for too long
├── ResumeMismatch      ABORTED              a resumed stream has other bytes than its listener
├── Refused             UNAVAILABLE          the call is valid, and another server may accept it
│   ├── ServerFull      UNAVAILABLE          max_streams streams are live
│   ├── MemoryFull      UNAVAILABLE          the live calls have reserved the memory of the process
│   └── Draining        UNAVAILABLE          the server is shutting down
├── Stopped             UNAVAILABLE          the server stopped before the stream was finished
├── Unauthenticated     UNAUTHENTICATED      the bearer token is missing or wrong
└── InternalError       INTERNAL             the server failed; the client gets an id, and the log has the details

The status of an exceeded limit tells the client what to do:
UNAVAILABLE         send the same call to another server, or later
INVALID_ARGUMENT    change the request, because every server rejects it
ABORTED             start again; DEADLINE_EXCEEDED is left to the deadline that the client itself has set
RESOURCE_EXHAUSTED  continue in a new stream; there is no field to change, because everything sent so far is valid, and the
                    same stream started again would reach the same limit. If the limit is max_caller_streams: end another
                    stream first

The core's InvalidArgument and ResumeMismatch become these ones. Any other exception becomes an InternalError.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote

from google.rpc import code_pb2

DOMAIN = "audiowriter.v1.AudioWriterService"
"""Domain of every ErrorInfo. The full name of the service is unique among the services that a client may call, and needs no
DNS name that somebody would have to keep."""

MAX_VIOLATIONS_BYTES = 7000
"""Maximum length of all violations in the metadata of a status. gRPC clients refuse metadata of more than 8 KiB."""

RETRY_AFTER_S = 1.0
"""The retry delay that a refusal suggests. Within about a second, streams end or load balancers notice the drain."""


@dataclass(frozen=True)
class Violation:
    """One bad field: its path in the request, what is wrong with it, and what would be accepted."""

    field: str
    description: str

    def __str__(self) -> str:
        return f"{self.field}: {self.description}"


class CallError(Exception):
    """Base class. `reason` and `metadata` become the status's google.rpc.ErrorInfo."""

    code: ClassVar[int] = code_pb2.INTERNAL

    def __init__(self, message: str, reason: str, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.metadata = dict(metadata or {})


class InvalidArgument(CallError):
    """The config or the PCM is invalid. `violations` become the status's google.rpc.BadRequest."""

    code = code_pb2.INVALID_ARGUMENT

    def __init__(self, violations: Sequence[Violation]) -> None:
        violations = _fitting(violations)
        super().__init__("; ".join(map(str, violations)), "INVALID_ARGUMENT")
        self.violations = tuple(violations)


class UnknownFields(InvalidArgument):
    """The config has fields that this server does not know. An older client would not have set them."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__(violations)
        self.reason = "UNKNOWN_FIELD"


class AboveLimit(InvalidArgument):
    """At least one field exceeds a limit of the server. `metadata` has the first such limit and its value."""

    def __init__(self, violations: Sequence[Violation], limit: str, value: object) -> None:
        super().__init__(violations)
        self.reason, self.metadata = _limit_info(limit, value)


class OutOfOrder(CallError):
    """A message was sent at the wrong time: PCM before the config, or a second, different config."""

    code = code_pb2.FAILED_PRECONDITION


class LimitExceeded(CallError):
    """A stream has reached a limit of the server. `metadata` has the limit and its value."""

    code = code_pb2.RESOURCE_EXHAUSTED

    def __init__(self, message: str, limit: str, value: object) -> None:
        super().__init__(message, *_limit_info(limit, value))


class CallerFull(CallError):
    """The caller has `max_caller_streams` live streams. Not `Refused`: it would retry, and fill other servers, too."""

    code = code_pb2.RESOURCE_EXHAUSTED

    def __init__(self, max_caller_streams: int) -> None:
        message = (
            f"max_caller_streams={max_caller_streams}: this caller has as many live streams, end one of them first"
        )
        super().__init__(message, *_limit_info("max_caller_streams", max_caller_streams))


class TimedOut(CallError):
    """The client did not send, or did not read, for too long."""

    code = code_pb2.ABORTED

    def __init__(self, message: str, limit: str, seconds: float) -> None:
        super().__init__(message, *_limit_info(limit, f"{seconds:g}"))


class ResumeMismatch(CallError):
    """The bytes of a resumed stream are not the ones that its listener has, and cannot follow them. No byte was sent."""

    code = code_pb2.ABORTED

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}: start a new stream", "RESUME_MISMATCH")


class Refused(CallError):
    """The call is valid, and another server may accept it. `retry_after_s` becomes the status's google.rpc.RetryInfo."""

    code = code_pb2.UNAVAILABLE
    retry_after_s = RETRY_AFTER_S


class ServerFull(Refused):
    """`max_streams` streams are live."""

    def __init__(self, max_streams: int) -> None:
        message = f"max_streams={max_streams}: the server is full, retry later or on another server"
        super().__init__(message, *_limit_info("max_streams", max_streams))


class MemoryFull(Refused):
    """The live calls have reserved the memory of the process."""

    def __init__(self, limit: int, reserved: int, size: int) -> None:
        message = (
            f"the call may need {size} bytes of memory, and {reserved} of {limit} are reserved: "
            "retry later or on another server"
        )
        super().__init__(message, *_limit_info("max_memory_bytes", limit))


class Draining(Refused):
    """The server is shutting down and accepts no new streams."""

    def __init__(self) -> None:
        super().__init__("the server is draining: retry on another server", "DRAINING")


class Stopped(CallError):
    """The server stopped before the stream was finished. The file is truncated."""

    code = code_pb2.UNAVAILABLE


class Unauthenticated(CallError):
    """The bearer token is missing or wrong."""

    code = code_pb2.UNAUTHENTICATED

    def __init__(self) -> None:
        super().__init__("authorization: a valid bearer token is required", "UNAUTHENTICATED")


class InternalError(CallError):
    """The server failed. The client gets an id, and the log has the details under this id."""

    def __init__(self, error_id: str) -> None:
        super().__init__(f"internal error {error_id}: the server's log has the details", "INTERNAL")


def _fitting(violations: Sequence[Violation]) -> Sequence[Violation]:
    """Return the first violations, as many as a status can hold. The last one counts those that are omitted."""
    size = 0
    for kept, violation in enumerate(violations):
        text = str(violation)
        # Percent-encoded in grpc-message, and twice in base64 in grpc-status-details-bin: in its message and its details.
        size += len(quote(text)) + 2 * len(text.encode()) * 4 // 3
        if kept and size > MAX_VIOLATIONS_BYTES:
            return [*violations[:kept], Violation("config", f"has {len(violations) - kept} more invalid fields")]
    return violations


def _limit_info(limit: str, value: object) -> tuple[str, dict[str, str]]:
    """Return the reason and the metadata of an exceeded limit."""
    return f"{limit.upper()}_EXCEEDED", {"limit": limit, "value": str(value)}
