"""Decides when a refused call is sent again.

gRPC's own retries are disabled: in grpcio 1.85 they lose a message, or abort the process, if a call is refused while
messages are being sent (grpc/grpc#40283). A lost message of PCM would shorten the file without an error.
"""

import random
from collections.abc import Iterator

import grpc

from audiowriter_client.errors import CallFailed

ATTEMPTS = 10
"""As in the Go and Java clients. If half of the servers are full and many streams are opened at the same time, each
attempt may reach a full server by chance."""

_FIRST_S, _MOST_S = 0.05, 0.2
_JITTER = 0.2


def waits() -> Iterator[float]:
    """Yield the delay before each further attempt, in seconds: about 1.6 s in total."""
    for attempt in range(ATTEMPTS - 1):
        # With jitter, so that callers that were refused together do not retry together.
        yield min(_FIRST_S * 2**attempt, _MOST_S) * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret


def is_refusal(error: CallFailed) -> bool:
    """Whether a server refused the call without processing it, so that another one may accept it."""
    return error.code is grpc.StatusCode.UNAVAILABLE and error.retry_after is not None
