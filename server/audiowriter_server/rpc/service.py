"""The three RPC methods. They read requests, enforce limits and write responses. The session does the work in between."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from hashlib import sha256
from typing import Any

import audiowriter_core
import grpc
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1 import audio_writer_pb2_grpc as pb_grpc
from audiowriter_core import AudioEncoder

from ..errors import AboveLimit, LimitExceeded, Violation
from ..runtime.settings import Settings
from ..telemetry.call_record import CallRecord
from . import wire
from .admission import Admission, Context
from .scheduling import Scheduler, ends_inline, is_inline
from .session import Responses, Session
from .watchdog import Wait, Watchdog

FIRST_WRITE_S = 3.0
"""Seconds that the end of a call waits until its first response is written."""


class AudioWriterService(pb_grpc.AudioWriterServiceServicer):
    """Implements the service. One instance per process."""

    def __init__(self, settings: Settings, admission: Admission) -> None:
        self._settings = settings
        self._admission = admission
        self._scheduler = Scheduler(settings.encode_threads)
        first, idle, stalled = settings.first_message_timeout, settings.idle_timeout, settings.stalled_reader_timeout
        text = f"no message within {first:g} s after the start of the stream"
        self._first_message = Wait("first_message_timeout", first, text)
        self._idle = Wait("idle_timeout", idle, f"no message for {idle:g} s")
        text = f"no response was read for {stalled:g} s: read responses while you send"
        self._stalled_reader = Wait("stalled_reader_timeout", stalled, text)

    async def EncodeStream(self, request_iterator: object, context: Context) -> None:
        """Encode one stream. The proto file describes the order of messages."""
        await self._admission.run("EncodeStream", context, lambda record: self._encode_stream(context, record))

    async def Encode(self, request: pb.EncodeRequest, context: Context) -> pb.EncodeResponse:
        """Encode a whole file in one call."""
        return await self._admission.run("Encode", context, lambda record: self._encode(request, record))

    async def ListFormats(self, request: pb.ListFormatsRequest, context: Context) -> pb.ListFormatsResponse:
        """Return all formats with their options."""
        return await self._admission.run("ListFormats", context, self._list_formats, counts=False)

    async def _list_formats(self, record: CallRecord) -> pb.ListFormatsResponse:
        record.message_received()
        record.message_sent()
        return wire.list_formats()

    async def _encode_stream(self, context: Context, record: CallRecord) -> None:
        session = Session()
        record.observe(session)
        try:
            with Watchdog() as watchdog:
                watchdog.expect(self._first_message)
                while (request := await context.read()) is not grpc.aio.EOF:
                    record.message_received()
                    pcm = request.pcm  # read once, because each access to a bytes field copies it
                    if session.encoder is None:
                        self._check_config(request.config)
                    self._check_limits(session, len(pcm))
                    inline = is_inline(session, len(pcm))
                    await self._send(session.receive(request, pcm), context, record, watchdog, inline=inline)
                    watchdog.expect(self._idle)
                await self._send(session.finish(), context, record, watchdog, inline=ends_inline(session))
        finally:
            session.close()

    async def _send(
        self, steps: Iterator[Responses], context: Context, record: CallRecord, watchdog: Watchdog, *, inline: bool
    ) -> None:
        if inline:
            for response in self._scheduler.inline(steps, record):
                watchdog.expect(self._stalled_reader)
                await self._write(response, context, record)
            return
        watchdog.pause()
        while (responses := await self._scheduler.pooled(steps, record)) is not None:
            for response in responses:
                watchdog.expect(self._stalled_reader)
                await self._write(response, context, record)
            watchdog.pause()

    async def _write(self, response: pb.EncodeStreamResponse, context: Context, record: CallRecord) -> None:
        if record.sent:
            await context.write(response)
        else:
            await _write_first(context.write(response))
        record.message_sent()

    async def _encode(self, request: pb.EncodeRequest, record: CallRecord) -> pb.EncodeResponse:
        record.message_received()
        self._check_config(request.config)
        session = Session()
        record.observe(session)
        encoded = pb.EncodeResponse()
        file = bytearray()
        try:
            whole = pb.EncodeStreamRequest(config=request.config, pcm=request.pcm)
            for steps in (session.receive(whole), session.finish()):
                while (responses := await self._scheduler.pooled(steps, record)) is not None:
                    for response in responses:
                        event = response.WhichOneof("event")
                        if event == "started":
                            encoded.started.CopyFrom(response.started)
                        elif event == "chunk":
                            file += response.chunk.data
                        else:
                            encoded.finished.CopyFrom(response.finished)
        finally:
            session.close()
        await self._scheduler.in_pool(_complete, encoded, file, self._settings.max_message_bytes)
        record.message_sent()
        return encoded

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
                    violations.append(Violation(path, f"{field}={value}: this server takes at most {limit}"))
        if not above:
            return
        try:
            AudioEncoder(**wire.options(config))
        except audiowriter_core.InvalidArgument as exc:  # report all bad fields at once
            others = wire.invalid_argument(exc).violations
            violations += [violation for violation in others if violation.field not in above]
        raise AboveLimit(violations, *next(iter(above.values())))

    def _check_limits(self, session: Session, pcm_bytes: int) -> None:
        limits = self._settings
        if pcm_bytes > limits.max_pcm_bytes:
            text = f"has {pcm_bytes} bytes in one message: this server takes at most {limits.max_pcm_bytes}"
            violation = Violation("pcm", text)
            raise AboveLimit([violation], "max_pcm_bytes", limits.max_pcm_bytes)
        if session.input_seconds > limits.max_stream_seconds:
            message = f"the stream has more than {limits.max_stream_seconds:g} s of audio: continue in a new stream"
            raise LimitExceeded(message, "max_stream_seconds", limits.max_stream_seconds)
        if session.bytes_out > limits.max_file_bytes:
            message = f"the file has more than {limits.max_file_bytes} bytes: continue in a new stream"
            raise LimitExceeded(message, "max_file_bytes", limits.max_file_bytes)


async def _write_first(first_write: Coroutine[Any, Any, None]) -> None:
    """Await the first write of a call. If this task is cancelled, still wait until the write has ended.

    The first write also sends the initial metadata, but gRPC only records that when the write has ended. An abort before
    that would send the metadata again. gRPC's core rejects this, and the client would never receive the status.
    """
    write = asyncio.ensure_future(first_write)
    # It also fails when the client cancels. Nobody awaits it then, and asyncio would log the exception as lost.
    write.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        await asyncio.shield(write)
    except asyncio.CancelledError:
        deadline = asyncio.get_running_loop().time() + FIRST_WRITE_S
        while not write.done() and (left := deadline - asyncio.get_running_loop().time()) > 0:
            with suppress(asyncio.CancelledError):
                await asyncio.wait([write], timeout=left)
        raise


def _complete(encoded: pb.EncodeResponse, body: bytearray, max_message_bytes: int) -> None:
    """Complete the response of a unary call: add header and trailer to `body`, and set the file."""
    header, trailer = encoded.finished.header, encoded.finished.trailer
    body += trailer
    body[: len(header)] = header
    overhead = 64 * 1024  # for the other fields, because tags may be long
    max_file_bytes = max_message_bytes - overhead
    if len(body) > max_file_bytes:
        text = f"makes a file of {len(body)} bytes: Encode returns at most {max_file_bytes}, use EncodeStream"
        raise AboveLimit([Violation("pcm", text)], "max_message_bytes", max_message_bytes)
    encoded.file = bytes(body)
    encoded.finished.ClearField("header")
    encoded.finished.ClearField("trailer")
    encoded.finished.sha256 = sha256(encoded.file).digest()
