"""Decides whether a call that failed is made again, and after which delay.

Before a server has accepted the stream there are ten attempts, as for every call (retry.py). After that the stream is
resumed: it is sent again from its start, for up to `resume_timeout` seconds.
"""

import math
import random
import time
from collections.abc import Iterator

import grpc

from audiowriter_client.errors import CallFailed, call_failed
from audiowriter_client.retry import Deadline, is_too_late, waits
from audiowriter_client.stream import Stream

RESUME_TIMEOUT_S = 60.0
"""Default. A supervisor restarts a worker within a second, and a cluster replaces a server within a minute."""

MOST_LOSSES = 5
"""Servers that may be lost in a row without any progress of the stream, because it may be the stream that crashes them."""

_FIRST_S, _MOST_S = 0.05, 2.0
_JITTER = 0.5
"""More than for other calls: all streams of a server are lost together, and each of them is work to replay."""
_STABLE_S = 5.0
"""Seconds after which a server that has accepted the stream counts as progress, even if there was nothing to encode."""

_RESET_CODES = (grpc.StatusCode.INTERNAL, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN)


class Retries:
    """The attempts of one stream."""

    def __init__(self, stream: Stream, deadline: Deadline, resume_timeout: float) -> None:
        """`resume_timeout`: in seconds; 0: the stream is not resumed. See check_options()."""
        self._stream, self._deadline, self._timeout_s = stream, deadline, resume_timeout
        self._waits = waits()
        self._end = -math.inf  # of the current outage
        self._losses = 0
        self._furthest = 0

    def is_complete(self, error: grpc.RpcError) -> bool:
        """Whether the file had arrived when the call broke, so that only its status is missing."""
        return self._stream.has_finished and is_broken(call_failed(error))

    def wait_s(self, error: grpc.RpcError) -> float | None:
        """Return the delay before the next call, in seconds, and prepare the sink for it. None: the error is final."""
        failed, stream = call_failed(error), self._stream
        if stream.started is None:
            is_refused = failed.code is grpc.StatusCode.UNAVAILABLE or is_too_late(failed)
            wait_s = next(self._waits, None) if is_refused else None
        elif self._timeout_s and is_broken(failed):
            wait_s = self._resume_wait_s(failed)
        else:
            return None
        return wait_s if wait_s is not None and self._deadline.allows(wait_s) else None

    def _resume_wait_s(self, failed: CallFailed) -> float | None:
        stream, now = self._stream, time.monotonic()
        progress = stream.bytes_received > self._furthest or stream.accepted_s >= _STABLE_S
        if progress or math.isinf(self._end):
            self._end, self._losses, self._waits = now + self._timeout_s, 0, _resume_waits()
        self._furthest = max(self._furthest, stream.bytes_received)
        self._losses += stream.is_accepted
        wait_s = next(self._waits)
        if failed.retry_after is not None:
            wait_s = max(wait_s, failed.retry_after * random.uniform(1, 1 + _JITTER))  # noqa: S311 - no secret
        if self._losses > MOST_LOSSES:
            stream.explanation = (
                f"not resumed: {self._losses} servers were lost in a row while they encoded this stream"
            )
        elif now + wait_s >= self._end:
            stream.explanation = f"not resumed within resume_timeout={self._timeout_s:g} s"
        elif stream.prepare_sink():
            return wait_s
        return None


def _resume_waits() -> Iterator[float]:
    """Yield the delay before each attempt, in seconds."""
    most_s = _FIRST_S
    while True:
        yield most_s * random.uniform(1 - _JITTER, 1)  # noqa: S311 - no secret
        most_s = min(2 * most_s, _MOST_S)


def is_broken(error: CallFailed) -> bool:
    """Whether the server or the connection was lost, or the server gives the stream away, so that another may take it.

    A proxy that has sent headers can only reset a stream whose server it has lost. gRPC reports that with one of several
    codes, and without details.
    """
    if error.code is grpc.StatusCode.UNAVAILABLE or is_too_late(error):
        return True
    return not error.reason and error.code in _RESET_CODES and "RST_STREAM" in error.details
