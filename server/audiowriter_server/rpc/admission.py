"""Authentication, admission and error mapping, shared by all RPCs.

A refusal is sent before the initial metadata, because gRPC clients never retry a call that has received them.
"""

import asyncio
import logging
import secrets
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, TypeVar

import audiowriter_core
import grpc
from google.protobuf.message import DecodeError

from ..clock import RunningClock
from ..errors import (
    AboveLimit,
    CallerFull,
    CallError,
    Draining,
    InternalError,
    InvalidArgument,
    ResumeMismatch,
    ServerFull,
    Stopped,
    Violation,
)
from ..runtime.settings import Settings
from ..telemetry import metrics
from ..telemetry.call_record import NO_FORMAT, CallRecord
from . import wire
from .auth import Tokens
from .caller import LOCAL, caller_of
from .status import CODES, abort

log = logging.getLogger("audiowriter")

PUBLISH_S = 1.0
"""Interval, in seconds, between updates of the metrics of live streams."""
_PUBLISH_BATCH = 100
"""Records published without a pause. They take about a millisecond."""
_STATUS_S = 5.0
"""Seconds that a terminated stream has to send its status. A busy machine needs more than one second; a client that does not
read never receives it."""
_METADATA_ENTRY_BYTES = 32
"""Overhead per metadata entry, as counted by HTTP/2. RFC 9113, section 10.5.1."""

_Result = TypeVar("_Result")
Context = grpc.aio.ServicerContext[Any, Any]
Handler = Callable[[Context, CallRecord], Awaitable[_Result]]


class LiveCall:
    """A call that counts towards `max_streams`, and the task that handles it."""

    def __init__(self, record: CallRecord) -> None:
        self.record = record
        self.terminated_by: CallError | None = None
        """The error that `terminate` was called with."""
        task = asyncio.current_task()
        assert task is not None
        # Weak, because a failed task refers to this object through its traceback.
        self._task = weakref.ref(task)

    def terminate(self, error: CallError) -> asyncio.Task[Any]:
        """End the call with `error`. The returned task is done when the status has been sent."""
        task = self._task()
        assert task is not None
        self.terminated_by = error
        task.cancel()
        return task


class Admission:
    """Checks calls before they run, and keeps track of the live ones. One instance per process."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError or OSError if the token file is not usable."""
        self.clock = RunningClock()
        """For the timeouts of calls."""
        self._settings = settings
        self._tokens = Tokens(settings.token_file) if settings.token_file else None
        self._live: set[LiveCall] = set()
        self._live_of_caller: Counter[str] = Counter()
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False
        metrics.MAX_STREAMS.set(settings.max_streams)
        metrics.for_format(NO_FORMAT)  # creates the time series with the value 0, because autoscalers need one

    @property
    def live_streams(self) -> int:
        """Number of EncodeStream, Encode and ResolveConfig calls in progress."""
        return len(self._live)

    async def drain(self, seconds: float) -> bool:
        """Refuse new streams and wait up to `seconds` for the live ones. Returns False if some had to be terminated."""
        self._draining = True
        if await self._ended_within(seconds):
            return True
        limit = {"limit": "drain_timeout", "value": f"{seconds:g}"}
        message = f"the stream was not finished {seconds:g} s after the drain began"
        await self.terminate(Stopped(message, "DRAIN_TIMEOUT_EXCEEDED", limit))
        return False

    async def _ended_within(self, seconds: float) -> bool:
        deadline = self.clock.now() + seconds
        while not self._idle.is_set():
            left = deadline - self.clock.now()
            if left <= 0:
                return False
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._idle.wait()
        return True

    async def terminate(self, error: CallError) -> None:
        """End all live streams with `error`."""
        if tasks := [call.terminate(error) for call in self._live]:
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

    async def run(
        self, method: str, handler: Handler[_Result], _: object, context: Context, *, counts: bool = True
    ) -> _Result:
        """Check the client, run the handler, and turn its errors into a status.

        `counts`: whether the call counts towards `max_streams`. With the first two arguments bound, this is a gRPC handler.
        """
        record = CallRecord(method, context)
        live = LiveCall(record)
        error_id = ""
        error: CallError
        try:
            record.caller = caller_of(context, self._check_client(record))
            if counts:
                with self._admitted(live):
                    result = await handler(context, record)
            else:
                result = await handler(context, record)
            record.end("OK")
            return result
        except CallError as exc:
            error = exc
        except audiowriter_core.InvalidArgument as exc:
            error = wire.invalid_argument(exc)
        except audiowriter_core.ResumeMismatch as exc:
            error = ResumeMismatch(str(exc))
        except DecodeError:
            error = InvalidArgument([Violation("request", "is not a valid message of this method")])
        except (asyncio.CancelledError, grpc.RpcError, grpc.aio.BaseError):
            if live.terminated_by is None:
                record.end(_client_status(context))
                raise
            error = live.terminated_by
        except Exception as exc:
            # Not raised, because gRPC would send the text of the exception to the client.
            error_id = secrets.token_hex(8)
            log.error("internal error %s", error_id, exc_info=exc)
            error = InternalError(error_id)
        record.end(CODES[error.code].name, error, error_id)
        # The traceback refers to this frame, and this frame to the error. The cycle would keep the call's memory, such as a
        # file of 4 MiB, until the next garbage collection.
        error.__traceback__ = error.__context__ = error.__cause__ = None
        await abort(context, error)
        raise AssertionError("abort does not return")

    def _check_client(self, record: CallRecord) -> str:
        """Return the caller's token; "" if this server requires none."""
        size = sum(len(key) + len(value) + _METADATA_ENTRY_BYTES for key, value in record.metadata)
        limit = self._settings.max_metadata_bytes
        if size > limit:
            violation = Violation("metadata", f"has {size} bytes: this server takes at most {limit}")
            raise AboveLimit([violation], "max_metadata_bytes", limit)
        if self._tokens is None:
            return ""
        values = [value for key, value in record.metadata if key == "authorization"]
        authorization = str(values[0]) if len(values) == 1 else ""
        self._tokens.check(authorization)
        return authorization.partition(" ")[2]

    @contextmanager
    def _admitted(self, call: LiveCall) -> Iterator[None]:
        if self._draining:
            raise Draining
        limit = self._settings.max_streams
        if len(self._live) >= limit:
            raise ServerFull(limit)
        caller = call.record.caller
        limit = self._caller_limit(caller)
        if self._live_of_caller[caller] >= limit:
            raise CallerFull(limit)
        self._live.add(call)
        self._live_of_caller[caller] += 1
        self._idle.clear()
        call.record.admitted()
        try:
            yield
        finally:
            self._live.discard(call)
            self._live_of_caller[caller] -= 1
            if not self._live_of_caller[caller]:
                del self._live_of_caller[caller]
            if not self._live:
                self._idle.set()

    def _caller_limit(self, caller: str) -> int:
        max_streams, limit = self._settings.max_streams, self._settings.max_caller_streams
        if limit:
            return limit
        # Whoever runs on this machine can harm the server anyway, and is often a proxy that speaks for many callers.
        return max_streams if caller == LOCAL else max(1, max_streams // 4)


def _client_status(context: Context) -> str:
    """Return the status of a call that the client has ended."""
    left = context.time_remaining()
    return "DEADLINE_EXCEEDED" if left is not None and left <= 0 else "CANCELLED"
