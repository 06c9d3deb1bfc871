"""The status that ended an asyncio call, where grpc.aio hides it.

A write that fails because the call is ending makes grpc.aio put INTERNAL, "Internal error from Core", over the status of
the call, be it there already or about to come: a caller that streams would see that instead of INVALID_ARGUMENT and its
violations once in ten times (grpc/grpc#36066). What it hides is still to be had: the done callback runs when the first
of the two is set, and a status that comes second replaces the other.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import grpc
import grpc.aio

# A status that has not come by then is not going to: the batch was refused before it reached the connection.
_PATIENCE_S = 1.0
_STEP_S = 0.01


class CallStatus:
    """Watches one call from its start."""

    def __init__(self, call: grpc.aio.StreamStreamCall[Any, Any]) -> None:
        self._call = call
        self._first: grpc.aio.AioRpcError | None = None
        call.add_done_callback(lambda _: self._note())

    async def behind(self, raised: grpc.aio.AioRpcError) -> grpc.aio.AioRpcError:
        """Give the error that the call ended with, which may not be the one that it raised."""
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
    # In a done callback the status is set: these coroutines have nothing to wait for, and later may be too late.
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: grpc.aio.AioRpcError = done.value
        return result
    raise AssertionError("the call is done, but its status is not known")
