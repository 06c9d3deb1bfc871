"""The three methods on grpc.aio. The only module that speaks gRPC to callers: sessions know the rest."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from typing import Any, TypeVar

import grpc
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1 import audio_writer_pb2_grpc as pb_grpc

from .call import Call
from .config import Settings
from .errors import AboveLimit, InvalidArgument, LimitExceeded, Violation
from .formats import list_formats
from .gate import Context, Gate
from .session import Session
from .stream_config import resolve
from .watchdog import Wait, Watchdog

INLINE_MS = 2.0
"""An encode call estimated longer than this goes to the thread pool: so long may one stream hold up all others."""

INLINE_FIRST_BYTES = 4096
"""The same for the PCM that comes with a config, when there is no estimate yet."""

INLINE_FINISH_SECONDS = 600.0
"""The same for the end of a stream: M4A lists every frame there, 15 to 35 ms for ten hours."""

FIRST_WRITE_S = 3.0
"""How long the end of a stream waits for its first response to be written."""

_Result = TypeVar("_Result")


class AudioWriterService(pb_grpc.AudioWriterServiceServicer):
    """One instance serves one process."""

    def __init__(self, settings: Settings, gate: Gate) -> None:
        self._settings = settings
        self._gate = gate
        self._pool = ThreadPoolExecutor(settings.encode_threads, "encode")
        first, idle, stalled = settings.first_message_timeout, settings.idle_timeout, settings.stalled_reader_timeout
        told = f"no message within {first:g} s of the start of the stream"
        self._first_message = Wait("first_message_timeout", first, told)
        self._idle = Wait("idle_timeout", idle, f"no message for {idle:g} s")
        told = f"responses unread for {stalled:g} s: read while you write"
        self._stalled_reader = Wait("stalled_reader_timeout", stalled, told)

    async def EncodeStream(self, request_iterator: object, context: Context) -> None:
        """The main job: see the contract."""
        await self._gate.answer("EncodeStream", context, lambda call: self._encode_stream(context, call))

    async def Encode(self, request: pb.EncodeRequest, context: Context) -> pb.EncodeResponse:
        """A whole file at once."""
        return await self._gate.answer("Encode", context, lambda call: self._encode(request, call))

    async def ListFormats(self, request: pb.ListFormatsRequest, context: Context) -> pb.ListFormatsResponse:
        """What can be written."""
        return await self._gate.answer("ListFormats", context, self._list_formats, takes_place=False)

    async def _list_formats(self, call: Call) -> pb.ListFormatsResponse:
        call.message_received()
        call.message_sent()
        return list_formats()

    async def _encode_stream(self, context: Context, call: Call) -> None:
        session = call.session
        try:
            with Watchdog() as watchdog:
                watchdog.expect(self._first_message)
                while (request := await context.read()) is not grpc.aio.EOF:
                    call.message_received()
                    pcm_bytes = len(request.pcm)  # each look at a field of bytes copies it
                    if session.options is None:
                        self._check_config(request.config)
                        inline = pcm_bytes <= INLINE_FIRST_BYTES
                    else:
                        inline = session.cost_ms(pcm_bytes) <= INLINE_MS
                    self._check_limits(session, pcm_bytes)
                    await self._send(session.receive(request), context, call, watchdog, inline=inline)
                    watchdog.expect(self._idle)
                inline = session.input_seconds <= INLINE_FINISH_SECONDS
                await self._send(session.finish(), context, call, watchdog, inline=inline)
        finally:
            session.close()

    async def _send(
        self,
        responses: Iterator[pb.EncodeStreamResponse],
        context: Context,
        call: Call,
        watchdog: Watchdog,
        *,
        inline: bool,
    ) -> None:
        if inline:
            for ready in call.all_steps(responses):
                watchdog.expect(self._stalled_reader)
                await self._write(ready, context, call)
            return
        watchdog.rest()
        while (response := await self._in_pool(call.step, responses)) is not None:
            watchdog.expect(self._stalled_reader)
            await self._write(response, context, call)
            watchdog.rest()

    async def _write(self, response: pb.EncodeStreamResponse, context: Context, call: Call) -> None:
        if call.sent:
            await context.write(response)
        else:
            await _whole(context.write(response))
        call.message_sent()

    async def _encode(self, request: pb.EncodeRequest, call: Call) -> pb.EncodeResponse:
        call.message_received()
        self._check_config(request.config)
        session = call.session
        answer = pb.EncodeResponse()
        file = bytearray()
        try:
            whole = pb.EncodeStreamRequest(config=request.config, pcm=request.pcm)
            for responses in (session.receive(whole), session.finish()):
                while (response := await self._in_pool(call.step, responses)) is not None:
                    event = response.WhichOneof("event")
                    if event == "started":
                        answer.started.CopyFrom(response.started)
                    elif event == "chunk":
                        file += response.chunk.data
                    else:
                        answer.finished.CopyFrom(response.finished)
        finally:
            session.close()
        await self._in_pool(complete, answer, file, self._settings.max_message_bytes)
        call.message_sent()
        return answer

    def _check_config(self, config: pb.StreamConfig) -> None:
        limits = self._settings
        above: dict[str, tuple[str, int]] = {}
        violations: list[Violation] = []
        for name, end in (("input", config.input), ("output", config.output)):
            for field, limit in (("sample_rate_hz", limits.max_sample_rate_hz), ("channels", limits.max_channels)):
                value = getattr(end, field)
                if limit and value > limit:
                    path = f"config.{name}.{field}"
                    above[path] = f"max_{field}", limit
                    violations.append(Violation(path, f"{field}={value}: at most {limit}"))
        if not above:
            return
        try:
            resolve(config)
        except InvalidArgument as exc:  # all bad fields at once
            violations += [violation for violation in exc.violations if violation.field not in above]
        raise AboveLimit(violations, *next(iter(above.values())))

    def _check_limits(self, session: Session, pcm_bytes: int) -> None:
        limits = self._settings
        if pcm_bytes > limits.max_pcm_bytes:
            violation = Violation("pcm", f"{pcm_bytes} bytes in one message: at most {limits.max_pcm_bytes}")
            raise AboveLimit([violation], "max_pcm_bytes", limits.max_pcm_bytes)
        if session.input_seconds > limits.max_stream_seconds:
            message = f"stream longer than {limits.max_stream_seconds:g} s of audio"
            raise LimitExceeded(message, "max_stream_seconds", limits.max_stream_seconds)
        if session.bytes_out > limits.max_file_bytes:
            message = f"file longer than {limits.max_file_bytes} bytes"
            raise LimitExceeded(message, "max_file_bytes", limits.max_file_bytes)

    async def _in_pool(self, work: Callable[..., _Result], *arguments: object) -> _Result:
        # A cancelled task does not wait for the thread, which it cannot stop: `Exclusive` keeps the codec until it is done.
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)


async def _whole(first_write: Coroutine[Any, Any, None]) -> None:
    """Await the first write of a call; when cancelled, wait until gRPC is done with it.

    It carries the initial metadata. gRPC notes that only when the write has ended: an abort before that would send them a
    second time, which the core refuses, and the caller would never get the status.
    """
    write = asyncio.ensure_future(first_write)
    try:
        await asyncio.shield(write)
    except asyncio.CancelledError:
        deadline = asyncio.get_running_loop().time() + FIRST_WRITE_S
        while not write.done() and (left := deadline - asyncio.get_running_loop().time()) > 0:
            with suppress(asyncio.CancelledError):
                await asyncio.wait([write], timeout=left)
        raise


def complete(answer: pb.EncodeResponse, body: bytearray, max_message_bytes: int) -> None:
    """Put header and trailer of a unary call in their places."""
    header, trailer = answer.finished.header, answer.finished.trailer
    body += trailer
    body[: len(header)] = header
    overhead = 64 * 1024  # for the other fields: tags may be long
    if len(body) > max_message_bytes - overhead:
        most = max_message_bytes - overhead
        violation = Violation("pcm", f"file of {len(body)} bytes: Encode returns at most {most}, use EncodeStream")
        raise AboveLimit([violation], "max_message_bytes", max_message_bytes)
    answer.file = bytes(body)
    answer.finished.ClearField("header")
    answer.finished.ClearField("trailer")
    answer.finished.sha256 = sha256(answer.file).digest()
