"""Decides when a refused call is sent again.

gRPC's own retries are disabled: in grpcio 1.85 they lose a message, or abort the process, if a call is refused while
messages are being sent (grpc/grpc#40283). A lost message of PCM would shorten the file without an error.
"""

import math
import random
import time
from collections.abc import Iterator

import grpc

from audiowriter_client.errors import CallFailed

ATTEMPTS = 10
"""As in the Go and Java clients. If half of the servers are full and many streams are opened at the same time, each
attempt may reach a full server by chance."""

_FIRST_S, _MOST_S = 0.05, 0.2
_JITTER = 0.2

# 30 years. gRPC takes a deadline of 30000 years for one that has expired.
_NEVER_S = 1e9


def waits() -> Iterator[float]:
    """Yield the delay before each further attempt, in seconds: about 1.6 s in total."""
    for attempt in range(ATTEMPTS - 1):
        # With jitter, so that callers that were refused together do not retry together.
        yield min(_FIRST_S * 2**attempt, _MOST_S) * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret


class Deadline:
    """The time limit of a call with all its attempts. Without a timeout it never expires."""

    def __init__(self, timeout: object) -> None:
        """`timeout` is in seconds from now. Raises TypeError or ValueError if it is not a positive number."""
        limit_s = math.inf if timeout is None else timeout
        if not isinstance(limit_s, int | float):
            raise TypeError(f"timeout: expected a number of seconds, not {type(timeout).__name__}")
        if not limit_s > 0:
            raise ValueError(f"timeout={limit_s}: expected a number of seconds above 0, or None")
        self._end = time.monotonic() + limit_s if limit_s < _NEVER_S else None

    @property
    def left_s(self) -> float | None:
        """Seconds left, at least 0. None: no limit."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def allows(self, wait_s: float) -> bool:
        """Whether it expires only after a delay of `wait_s` seconds, so that a further attempt makes sense."""
        left_s = self.left_s
        return left_s is None or wait_s < left_s


def is_refusal(error: CallFailed) -> bool:
    """Whether a server refused the call without processing it, so that another one may accept it."""
    return (error.code is grpc.StatusCode.UNAVAILABLE and error.retry_after is not None) or is_too_late(error)


def is_too_late(error: CallFailed) -> bool:
    """Whether the call arrived while its server was stopping: after the drain, and before the client knew of its end.

    gRPC's server answers such a call itself, with the code as the text. What a client cancels has another text.
    """
    return error.code is grpc.StatusCode.CANCELLED and not error.reason and error.details == "CANCELLED"
