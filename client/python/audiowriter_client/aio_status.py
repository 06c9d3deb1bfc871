"""Recovers the status of an asyncio call if grpc.aio hides it.

If a write fails because the call is ending, grpc.aio replaces the status of the call by INTERNAL, "Internal error from
Core", whether the status has arrived already or arrives later. About one stream in ten would see this instead of
INVALID_ARGUMENT and its violations (grpc/grpc#36066). The hidden status is still available: the done callback runs when
the first of the two is set, and a status that is set second replaces the first.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import grpc
import grpc.aio

# If the status has not arrived by then, there is none: the request was refused before it reached the connection.
_PATIENCE_S = 1.0
_STEP_S = 0.01


class CallStatus:
    """Watches the status of one call from its start."""

    def __init__(self, call: grpc.aio.StreamStreamCall[Any, Any]) -> None:
        self._call = call
        self._first: grpc.aio.AioRpcError | None = None
        call.add_done_callback(lambda _: self._note())

    async def behind(self, raised: grpc.aio.AioRpcError) -> grpc.aio.AioRpcError:
        """Return the error with the call's own status, which may not be the error that was raised."""
        if not _hides(raised):
            return raised
        if self._first is not None and not _hides(self._first):
            return self._first
        for _ in range(round(_PATIENCE_S / _STEP_S)):
            present = await self._present()
            if not _hides(present):
                return present
            await asyncio.sleep(_STEP_S)
        return raised

    def _note(self) -> None:
        self._first = _without_waiting(self._present())

    async def _present(self) -> grpc.aio.AioRpcError:
        call = self._call
        return grpc.aio.AioRpcError(
            await call.code(),
            grpc.aio.Metadata(),
            await call.trailing_metadata(),
            await call.details(),
        )


def _hides(status: grpc.aio.AioRpcError) -> bool:
    return status.code() is grpc.StatusCode.INTERNAL and status.details() == "Internal error from Core"


def _without_waiting(coroutine: Coroutine[Any, Any, grpc.aio.AioRpcError]) -> grpc.aio.AioRpcError:
    # The status is set when a done callback runs, so these coroutines do not wait. Reading it later may be too late.
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: grpc.aio.AioRpcError = done.value
        return result
    raise AssertionError("the call is done, but its status is not known")
