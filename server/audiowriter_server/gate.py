"""What every call goes through: who may come in, how many, and how it is told when it ends.

Refusals come before initial metadata is sent: only those may a client's retry policy try again.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf.message import DecodeError

from . import metrics
from .call import NO_FORMAT, Call
from .config import Settings
from .errors import AboveLimit, AudioWriterError, Draining, EncodeError, InvalidArgument, ServerFull, Stopped, Violation
from .security import Tokens
from .status import CODES, abort

log = logging.getLogger("audiowriter")

PUBLISH_S = 1.0
"""How old the metrics of a live stream may be."""
_PUBLISH_BATCH = 100
"""Calls whose metrics are handed on in one go: about a millisecond."""
_STATUS_S = 5.0
"""How long a stream that was cut may take to send its status. On a busy machine that takes more than a second; a caller that
does not read never gets it."""
_METADATA_ENTRY_BYTES = 32
"""Overhead that HTTP/2 reckons for each entry. RFC 9113, section 10.5.1."""

_Result = TypeVar("_Result")
Context = grpc.aio.ServicerContext[Any, Any]


class Gate:
    """One instance serves one process."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError or OSError if the token file won't do."""
        self._settings = settings
        self._tokens = Tokens(settings.token_file) if settings.token_file else None
        self._live: set[Call] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False
        metrics.MAX_STREAMS.set(settings.max_streams)
        metrics.of_format(NO_FORMAT)  # a zero to begin with: an autoscaler can do nothing with no series

    @property
    def live_streams(self) -> int:
        """EncodeStream and Encode calls that are under way."""
        return len(self._live)

    async def drain(self, seconds: float) -> bool:
        """Refuse new streams and wait for the live ones; those left after `seconds` are cut, and the answer is False."""
        self._draining = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()
            return True
        told = {"limit": "drain_timeout", "value": f"{seconds:g}"}
        await self.cut(Stopped(f"still live {seconds:g} s after a drain began", "DRAIN_TIMEOUT_EXCEEDED", told))
        return False

    async def cut(self, error: AudioWriterError) -> None:
        """End every live stream with `error`."""
        if tasks := [call.cut(error) for call in self._live]:
            await asyncio.wait(tasks, timeout=_STATUS_S)

    async def publish(self) -> NoReturn:
        """Keep the metrics of live streams up to date, and measure the event loop on the way."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + PUBLISH_S
            await asyncio.sleep(PUBLISH_S)
            metrics.LOOP_LAG.observe(max(0.0, loop.time() - due))
            for number, call in enumerate(tuple(self._live), 1):
                if call in self._live:
                    call.publish()
                if number % _PUBLISH_BATCH == 0:
                    await asyncio.sleep(0)

    async def answer(
        self, method: str, context: Context, handle: Callable[[Call], Awaitable[_Result]], *, takes_place: bool = True
    ) -> _Result:
        """Let the call in, do it, and turn its errors into a status. `takes_place`: it counts as a live stream."""
        call = Call(method, context)
        error_id = ""
        error: AudioWriterError
        try:
            self._check_caller(call)
            with self._place(call) if takes_place else nullcontext():
                result = await handle(call)
            call.end("OK")
            return result
        except EncodeError as exc:
            error, error_id = _opaque(exc)
        except AudioWriterError as exc:
            error = exc
        except DecodeError:
            error = InvalidArgument([Violation("request", "these bytes are no message of this method")])
        except (asyncio.CancelledError, grpc.RpcError, grpc.aio.BaseError):
            if call.cut_by is None:
                call.end(_ended_by_caller(context))
                raise
            error = call.cut_by
        except Exception as exc:
            # Left alone, grpc would send the text of the exception to the caller.
            error, error_id = _opaque(exc)
        call.end(CODES[error.code].name, error, error_id)
        await abort(context, error)
        raise AssertionError("abort does not return")

    def _check_caller(self, call: Call) -> None:
        size = sum(len(key) + len(value) + _METADATA_ENTRY_BYTES for key, value in call.metadata)
        limit = self._settings.max_metadata_bytes
        if size > limit:
            violation = Violation("metadata", f"{size} bytes: at most {limit}")
            raise AboveLimit([violation], "max_metadata_bytes", limit)
        if self._tokens is not None:
            given = [value for key, value in call.metadata if key == "authorization"]
            self._tokens.check(str(given[0]) if len(given) == 1 else "")

    @contextmanager
    def _place(self, call: Call) -> Iterator[None]:
        if self._draining:
            raise Draining
        limit = self._settings.max_streams
        if len(self._live) >= limit:
            raise ServerFull(limit)
        self._live.add(call)
        self._idle.clear()
        call.admitted()
        try:
            yield
        finally:
            self._live.discard(call)
            if not self._live:
                self._idle.set()


def _ended_by_caller(context: Context) -> str:
    left = context.time_remaining()
    return "DEADLINE_EXCEEDED" if left is not None and left <= 0 else "CANCELLED"


def _opaque(exc: Exception) -> tuple[AudioWriterError, str]:
    error_id = secrets.token_hex(8)
    log.error("internal error %s", error_id, exc_info=exc)
    return EncodeError(f"internal error {error_id}: the server's log has the rest"), error_id
