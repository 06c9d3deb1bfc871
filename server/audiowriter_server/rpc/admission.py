"""Authentication, admission and error mapping, shared by all RPCs.

A refusal is sent before the initial metadata: a client's retry policy may repeat only such calls.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, TypeVar

import audiowriter_core
import grpc
from google.protobuf.message import DecodeError

from ..errors import AboveLimit, CallError, Draining, InternalError, InvalidArgument, ServerFull, Stopped, Violation
from ..runtime.settings import Settings
from ..telemetry import metrics
from ..telemetry.call_record import NO_FORMAT, CallRecord
from . import wire
from .auth import Tokens
from .status import CODES, abort

log = logging.getLogger("audiowriter")

PUBLISH_S = 1.0
"""Longest delay of the metrics of a live stream."""
_PUBLISH_BATCH = 100
"""Records published without a pause: about a millisecond."""
_STATUS_S = 5.0
"""How long a stream that was cut may take to send its status. On a busy machine that takes more than a second; a caller that
does not read never gets it."""
_METADATA_ENTRY_BYTES = 32
"""Overhead per metadata entry, as HTTP/2 counts it. RFC 9113, section 10.5.1."""

_Result = TypeVar("_Result")
Context = grpc.aio.ServicerContext[Any, Any]


class LiveCall:
    """A call that counts towards `max_streams`, and the task that handles it."""

    def __init__(self, record: CallRecord) -> None:
        self.record = record
        self.cut_by: CallError | None = None
        """The error that `cut` ended the call with."""
        self._task = asyncio.current_task()

    def cut(self, error: CallError) -> asyncio.Task[Any]:
        """End the call with `error`; the returned task is done when the status was sent."""
        assert self._task is not None
        self.cut_by = error
        self._task.cancel()
        return self._task


class Admission:
    """One instance per process."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError or OSError if the token file cannot be used."""
        self._settings = settings
        self._tokens = Tokens(settings.token_file) if settings.token_file else None
        self._live: set[LiveCall] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False
        metrics.MAX_STREAMS.set(settings.max_streams)
        metrics.of_format(NO_FORMAT)  # creates the series with 0: an autoscaler cannot work without one

    @property
    def live_streams(self) -> int:
        """Number of EncodeStream and Encode calls in progress."""
        return len(self._live)

    async def drain(self, seconds: float) -> bool:
        """Refuse new streams and wait for the live ones. Returns False if some were cut because `seconds` passed."""
        self._draining = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()
            return True
        limit = {"limit": "drain_timeout", "value": f"{seconds:g}"}
        await self.cut(Stopped(f"still live {seconds:g} s after a drain began", "DRAIN_TIMEOUT_EXCEEDED", limit))
        return False

    async def cut(self, error: CallError) -> None:
        """End every live stream with `error`."""
        if tasks := [call.cut(error) for call in self._live]:
            await asyncio.wait(tasks, timeout=_STATUS_S)

    async def publish(self) -> NoReturn:
        """Publish the metrics of live streams once a second, and measure the delay of the event loop."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + PUBLISH_S
            await asyncio.sleep(PUBLISH_S)
            metrics.LOOP_LAG.observe(max(0.0, loop.time() - due))
            for number, call in enumerate(tuple(self._live), 1):
                if call in self._live:
                    call.record.publish()
                if number % _PUBLISH_BATCH == 0:
                    await asyncio.sleep(0)

    async def answer(
        self, method: str, context: Context, handle: Callable[[CallRecord], Awaitable[_Result]], *, counts: bool = True
    ) -> _Result:
        """Check the caller, run the handler, and turn its errors into a status. `counts`: towards `max_streams`."""
        record = CallRecord(method, context)
        live = LiveCall(record)
        error_id = ""
        error: CallError
        try:
            self._check_caller(record)
            if counts:
                with self._admitted(live):
                    result = await handle(record)
            else:
                result = await handle(record)
            record.end("OK")
            return result
        except CallError as exc:
            error = exc
        except audiowriter_core.InvalidArgument as exc:
            error = wire.invalid_argument(exc)
        except DecodeError:
            error = InvalidArgument([Violation("request", "these bytes are not a message of this method")])
        except (asyncio.CancelledError, grpc.RpcError, grpc.aio.BaseError):
            if live.cut_by is None:
                record.end(_ended_by_caller(context))
                raise
            error = live.cut_by
        except Exception as exc:
            # gRPC would send the text of the exception to the caller.
            error_id = secrets.token_hex(8)
            log.error("internal error %s", error_id, exc_info=exc)
            error = InternalError(error_id)
        record.end(CODES[error.code].name, error, error_id)
        await abort(context, error)
        raise AssertionError("abort does not return")

    def _check_caller(self, record: CallRecord) -> None:
        size = sum(len(key) + len(value) + _METADATA_ENTRY_BYTES for key, value in record.metadata)
        limit = self._settings.max_metadata_bytes
        if size > limit:
            violation = Violation("metadata", f"{size} bytes: at most {limit}")
            raise AboveLimit([violation], "max_metadata_bytes", limit)
        if self._tokens is not None:
            given = [value for key, value in record.metadata if key == "authorization"]
            self._tokens.check(str(given[0]) if len(given) == 1 else "")

    @contextmanager
    def _admitted(self, call: LiveCall) -> Iterator[None]:
        if self._draining:
            raise Draining
        limit = self._settings.max_streams
        if len(self._live) >= limit:
            raise ServerFull(limit)
        self._live.add(call)
        self._idle.clear()
        call.record.admitted()
        try:
            yield
        finally:
            self._live.discard(call)
            if not self._live:
                self._idle.set()


def _ended_by_caller(context: Context) -> str:
    left = context.time_remaining()
    return "DEADLINE_EXCEEDED" if left is not None and left <= 0 else "CANCELLED"
