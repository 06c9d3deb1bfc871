"""The three methods on grpc.aio. The only module that speaks gRPC to callers: sessions know the rest."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any, TypeVar

import grpc
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1 import audio_writer_pb2_grpc as pb_grpc

from .config import Settings
from .errors import AudioWriterError, Draining, EncodeError, LimitExceeded
from .formats import list_formats
from .session import Session
from .status import abort
from .watchdog import Watchdog

log = logging.getLogger("audiowriter")

INLINE_MS = 2.0
"""An encode call estimated longer than this goes to the thread pool: so long may one stream hold up all others."""

RETRY_AFTER_S = 1.0

_Result = TypeVar("_Result")
_Context = grpc.aio.ServicerContext[Any, Any]


class AudioWriterService(pb_grpc.AudioWriterServiceServicer):
    """One instance serves one process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool = ThreadPoolExecutor(settings.encode_threads, "encode")
        self._live = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False

    @property
    def live_streams(self) -> int:
        """EncodeStream and Encode calls that are under way."""
        return self._live

    async def drain(self, seconds: float) -> bool:
        """Refuse new streams and wait for the live ones; False if some are left after `seconds`."""
        self._draining = True
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def EncodeStream(self, request_iterator: object, context: _Context) -> None:
        """The main job: see the contract."""
        await self._answer(context, self._encode_stream)

    async def Encode(self, request: pb.EncodeRequest, context: _Context) -> pb.EncodeResponse:
        """A whole file at once."""
        return await self._answer(context, lambda context: self._encode(request))

    async def ListFormats(self, request: pb.ListFormatsRequest, context: _Context) -> pb.ListFormatsResponse:
        """What can be written."""
        return list_formats()

    async def _answer(self, context: _Context, handle: Callable[[_Context], Awaitable[_Result]]) -> _Result:
        """Admit the call, count it while it lives, and turn its errors into a status."""
        try:
            self._admit()
            self._live += 1
            self._idle.clear()
            try:
                return await handle(context)
            finally:
                self._live -= 1
                if not self._live:
                    self._idle.set()
        except EncodeError as exc:
            await self._abort_internal(context, exc)
        except AudioWriterError as exc:
            await abort(context, exc)
        except (grpc.RpcError, grpc.aio.AbortError, grpc.aio.BaseError):
            raise
        except Exception as exc:
            # Left alone, grpc would send the text of the exception to the caller.
            await self._abort_internal(context, exc)
        raise AssertionError("abort does not return")

    def _admit(self) -> None:
        if self._draining:
            raise Draining
        limit = self._settings.max_streams
        if self._live >= limit:
            message = f"max_streams={limit}: this server is full, retry later or on another one"
            raise LimitExceeded(message, "max_streams", limit, retry_after_s=RETRY_AFTER_S)

    async def _abort_internal(self, context: _Context, exc: Exception) -> None:
        error_id = secrets.token_hex(8)
        log.error("internal error %s", error_id, exc_info=exc)
        await abort(context, EncodeError(f"internal error {error_id}: the server's log has the rest"))

    async def _encode_stream(self, context: _Context) -> None:
        limits = self._settings
        session = Session()
        try:
            with Watchdog() as watchdog:

                async def send(responses: Iterator[pb.EncodeStreamResponse], cost_ms: float) -> None:
                    step = self._step_inline if cost_ms <= INLINE_MS else self._step_in_pool
                    while (response := await step(responses)) is not None:
                        watchdog.expect(
                            "stalled_reader_timeout",
                            limits.stalled_reader_timeout,
                            f"responses unread for {limits.stalled_reader_timeout:g} s: read while you write",
                        )
                        await context.write(response)
                        watchdog.rest()

                first = f"no message within {limits.first_message_timeout:g} s of the start of the stream"
                watchdog.expect("first_message_timeout", limits.first_message_timeout, first)
                idle = f"no message for {limits.idle_timeout:g} s"
                while (request := await context.read()) is not grpc.aio.EOF:
                    watchdog.rest()
                    self._check_limits(session, request)
                    await send(session.receive(request), session.cost_ms(request))
                    watchdog.expect("idle_timeout", limits.idle_timeout, idle)
                watchdog.rest()
                await send(session.finish(), 0)
        finally:
            session.close()

    async def _encode(self, request: pb.EncodeRequest) -> pb.EncodeResponse:
        session = Session()
        answer = pb.EncodeResponse()
        file = bytearray()
        try:
            whole = pb.EncodeStreamRequest(config=request.config, pcm=request.pcm)
            for responses in (session.receive(whole), session.finish()):
                while (response := await self._step_in_pool(responses)) is not None:
                    event = response.WhichOneof("event")
                    if event == "started":
                        answer.started.CopyFrom(response.started)
                    elif event == "chunk":
                        file += response.chunk.data
                    else:
                        answer.finished.CopyFrom(response.finished)
        finally:
            session.close()
        return complete(answer, file, self._settings.max_message_bytes)

    def _check_limits(self, session: Session, request: pb.EncodeStreamRequest) -> None:
        limits = self._settings
        if len(request.pcm) > limits.max_pcm_bytes:
            message = f"pcm of {len(request.pcm)} bytes in one message: at most {limits.max_pcm_bytes}"
            raise LimitExceeded(message, "max_pcm_bytes", limits.max_pcm_bytes)
        if session.input_seconds > limits.max_stream_seconds:
            message = f"stream longer than {limits.max_stream_seconds:g} s of audio"
            raise LimitExceeded(message, "max_stream_seconds", limits.max_stream_seconds)

    async def _step_inline(self, responses: Iterator[pb.EncodeStreamResponse]) -> pb.EncodeStreamResponse | None:
        return next(responses, None)

    async def _step_in_pool(self, responses: Iterator[pb.EncodeStreamResponse]) -> pb.EncodeStreamResponse | None:
        step = asyncio.get_running_loop().run_in_executor(self._pool, next, responses, None)
        try:
            return await asyncio.shield(step)
        except asyncio.CancelledError:
            # The codec is at work still; to close it under the thread's hands would crash the process.
            await asyncio.wait([step])
            raise


def complete(answer: pb.EncodeResponse, body: bytearray, max_message_bytes: int) -> pb.EncodeResponse:
    """Put header and trailer of a unary call in their places."""
    header, trailer = answer.finished.header, answer.finished.trailer
    body += trailer
    body[: len(header)] = header
    overhead = 64 * 1024  # for the other fields: tags may be long
    if len(body) > max_message_bytes - overhead:
        message = f"file of {len(body)} bytes: Encode returns at most {max_message_bytes - overhead}, use EncodeStream"
        raise LimitExceeded(message, "max_message_bytes", max_message_bytes)
    answer.file = bytes(body)
    answer.finished.ClearField("header")
    answer.finished.ClearField("trailer")
    answer.finished.sha256 = sha256(answer.file).digest()
    return answer
