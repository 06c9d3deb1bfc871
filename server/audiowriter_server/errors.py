"""Everything that can go wrong with a stream, and the gRPC status that says so.

AudioWriterError
├── InvalidArgument     INVALID_ARGUMENT     the caller's config or PCM is wrong; one violation for each bad field
├── OutOfOrder          FAILED_PRECONDITION  a message came where it may not
├── LimitExceeded       RESOURCE_EXHAUSTED   a limit of this server; the error names it and its value
├── TimedOut            DEADLINE_EXCEEDED    the caller was silent, or did not read, for too long
├── Draining            UNAVAILABLE          the server is about to stop; another will take the stream
├── Stopped             UNAVAILABLE          the server stopped before the stream was done
├── Unauthenticated     UNAUTHENTICATED      no bearer token, or a wrong one
└── EncodeError         INTERNAL             a codec failed; the caller sees an id, the log has the rest

Errors of libraries are wrapped where they are met: `raise EncodeError("lame: -1") from exc`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from google.rpc import code_pb2

DOMAIN = "audiowriter"


@dataclass(frozen=True)
class Violation:
    """One bad field: its path as in the proto, and what is wrong with it and what would do."""

    field: str
    description: str

    def __str__(self) -> str:
        return f"{self.field}: {self.description}"


class AudioWriterError(Exception):
    """Base of all. `reason` and `metadata` become the google.rpc.ErrorInfo of the status."""

    code: ClassVar[int] = code_pb2.INTERNAL

    def __init__(self, message: str, reason: str, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.metadata = dict(metadata or {})


class InvalidArgument(AudioWriterError):
    """The caller's config or PCM is wrong. `violations` become the google.rpc.BadRequest of the status."""

    code = code_pb2.INVALID_ARGUMENT

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(map(str, violations)), "INVALID_ARGUMENT")
        self.violations = tuple(violations)


class OutOfOrder(AudioWriterError):
    """A message came where it may not: PCM before the config, or a second, different config."""

    code = code_pb2.FAILED_PRECONDITION


class LimitExceeded(AudioWriterError):
    """A limit of this server. `metadata` names the limit and its value."""

    code = code_pb2.RESOURCE_EXHAUSTED

    def __init__(self, message: str, limit: str, value: object, *, retry_after_s: float | None = None) -> None:
        super().__init__(message, f"{limit.upper()}_EXCEEDED", {"limit": limit, "value": str(value)})
        self.retry_after_s = retry_after_s


class TimedOut(AudioWriterError):
    """The caller was silent, or did not read, for too long."""

    code = code_pb2.DEADLINE_EXCEEDED

    def __init__(self, message: str, limit: str, seconds: float) -> None:
        super().__init__(message, f"{limit.upper()}_EXCEEDED", {"limit": limit, "value": f"{seconds:g}"})


class Draining(AudioWriterError):
    """The server is about to stop and takes no new streams."""

    code = code_pb2.UNAVAILABLE

    def __init__(self) -> None:
        super().__init__("server is draining: retry on another one", "DRAINING")


class Stopped(AudioWriterError):
    """The server stopped before the stream was done; what came of the file is truncated."""

    code = code_pb2.UNAVAILABLE


class Unauthenticated(AudioWriterError):
    """No bearer token, or a wrong one."""

    code = code_pb2.UNAUTHENTICATED

    def __init__(self) -> None:
        super().__init__("authorization: a valid bearer token is required", "UNAUTHENTICATED")


class EncodeError(AudioWriterError):
    """A codec failed. The text is for the log; the caller sees an id."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "INTERNAL")
