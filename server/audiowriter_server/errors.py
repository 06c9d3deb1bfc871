"""The errors that end a call, and the gRPC status of each.

CallError
├── InvalidArgument     INVALID_ARGUMENT     the caller's config or PCM is wrong; one violation per bad field
│   └── AboveLimit      INVALID_ARGUMENT     a field is above a limit; the error also names the limit and its value
├── OutOfOrder          FAILED_PRECONDITION  a message came at the wrong time
├── LimitExceeded       RESOURCE_EXHAUSTED   a stream has used up what a stream may take; the error names the limit
├── TimedOut            DEADLINE_EXCEEDED    the caller was silent, or did not read, for too long
├── Refused             UNAVAILABLE          the call did nothing wrong, and another server may take it
│   ├── ServerFull      UNAVAILABLE          max_streams streams are live
│   └── Draining        UNAVAILABLE          the server is about to stop
├── Stopped             UNAVAILABLE          the server stopped before the stream was done
├── Unauthenticated     UNAUTHENTICATED      no bearer token, or a wrong one
└── InternalError       INTERNAL             a fault of the server; the caller sees an id, the log has the rest

The status of a limit says what the caller can do:
UNAVAILABLE         send the same call to another server, or later
INVALID_ARGUMENT    change the request: every server refuses it as it is
RESOURCE_EXHAUSTED  go on in a new stream: all that was sent is valid, so there is no field to change, and the same stream
                    started again would end at the same limit

The core's InvalidArgument becomes one of these in wire.py; any other exception becomes an InternalError.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from google.rpc import code_pb2

DOMAIN = "audiowriter"

RETRY_AFTER_S = 1.0
"""The retry delay that a refusal suggests: places become free, or a balancer learns of the drain, within about a second."""


@dataclass(frozen=True)
class Violation:
    """One bad field: its path in the request, what is wrong with it, and what would be accepted."""

    field: str
    description: str

    def __str__(self) -> str:
        return f"{self.field}: {self.description}"


class CallError(Exception):
    """Base class. `reason` and `metadata` become the google.rpc.ErrorInfo of the status."""

    code: ClassVar[int] = code_pb2.INTERNAL

    def __init__(self, message: str, reason: str, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.metadata = dict(metadata or {})


class InvalidArgument(CallError):
    """The caller's config or PCM is wrong. `violations` become the google.rpc.BadRequest of the status."""

    code = code_pb2.INVALID_ARGUMENT

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(map(str, violations)), "INVALID_ARGUMENT")
        self.violations = tuple(violations)


class AboveLimit(InvalidArgument):
    """At least one field is above a limit of the server. `metadata` names the first such limit and its value."""

    def __init__(self, violations: Sequence[Violation], limit: str, value: object) -> None:
        super().__init__(violations)
        self.reason, self.metadata = _limit_info(limit, value)


class OutOfOrder(CallError):
    """A message came at the wrong time: PCM before the config, or a second, different config."""

    code = code_pb2.FAILED_PRECONDITION


class LimitExceeded(CallError):
    """A stream has used up what a stream may take. `metadata` names the limit and its value."""

    code = code_pb2.RESOURCE_EXHAUSTED

    def __init__(self, message: str, limit: str, value: object) -> None:
        super().__init__(message, *_limit_info(limit, value))


class TimedOut(CallError):
    """The caller was silent, or did not read, for too long."""

    code = code_pb2.DEADLINE_EXCEEDED

    def __init__(self, message: str, limit: str, seconds: float) -> None:
        super().__init__(message, *_limit_info(limit, f"{seconds:g}"))


class Refused(CallError):
    """The call did nothing wrong, and another server may take it. `retry_after_s` becomes its google.rpc.RetryInfo."""

    code = code_pb2.UNAVAILABLE
    retry_after_s = RETRY_AFTER_S


class ServerFull(Refused):
    """`max_streams` streams are live."""

    def __init__(self, max_streams: int) -> None:
        message = f"max_streams={max_streams}: this server is full, retry later or on another one"
        super().__init__(message, *_limit_info("max_streams", max_streams))


class Draining(Refused):
    """The server is about to stop and takes no new streams."""

    def __init__(self) -> None:
        super().__init__("server is draining: retry on another one", "DRAINING")


class Stopped(CallError):
    """The server stopped before the stream was finished; the file is truncated."""

    code = code_pb2.UNAVAILABLE


class Unauthenticated(CallError):
    """No bearer token, or a wrong one."""

    code = code_pb2.UNAUTHENTICATED

    def __init__(self) -> None:
        super().__init__("authorization: a valid bearer token is required", "UNAUTHENTICATED")


class InternalError(CallError):
    """A fault of the server. The caller sees an id; the log has the rest."""

    def __init__(self, error_id: str) -> None:
        super().__init__(f"internal error {error_id}: the server's log has the details", "INTERNAL")


def _limit_info(limit: str, value: object) -> tuple[str, dict[str, str]]:
    """Return the reason and the metadata of a limit."""
    return f"{limit.upper()}_EXCEEDED", {"limit": limit, "value": str(value)}
