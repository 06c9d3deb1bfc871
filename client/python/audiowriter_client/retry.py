"""When a call that was refused is sent again.

gRPC's own retries are off: in grpcio 1.85 they lose a message, or abort the process, where a call is refused while messages
are on their way (grpc/grpc#40283). A message of PCM that is lost is a shorter file without an error.
"""

import random
from collections.abc import Iterator

import grpc

from audiowriter_client.errors import CallFailed

ATTEMPTS = 10
"""As in the Go and Java clients. With half of the servers full and many streams opened at once, each attempt may meet a full
server by chance."""

_FIRST_S, _MOST_S = 0.05, 0.2
_JITTER = 0.2


def waits() -> Iterator[float]:
    """Yield how long to wait before each further attempt, in seconds: about 1.6 s in all."""
    for attempt in range(ATTEMPTS - 1):
        # With jitter, so that callers who were refused together do not come back together.
        yield min(_FIRST_S * 2**attempt, _MOST_S) * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret


def is_refusal(error: CallFailed) -> bool:
    """Whether a server refused the call without doing anything, and another one may take it."""
    return error.code is grpc.StatusCode.UNAVAILABLE and error.retry_after is not None
