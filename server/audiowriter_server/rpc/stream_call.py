"""One EncodeStream call: reads requests, decides where they are encoded, and writes the responses."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from typing import Any

import grpc
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core import AudioEncoder

from ..clock import RunningClock
from ..runtime.settings import Settings
from ..telemetry.call_record import CallRecord
from .admission import Context
from .limits import Limits
from .memory import MemoryBudget, Reservation
from .scheduling import CHARGED_MS, INLINE_MS, Scheduler, StreamCost, ends_inline
from .session import Place, Responses, Session, config_missing, parts
from .turns import CALL_MS, MESSAGE_MS, OPEN_MS
from .watchdog import Activity, Wait, Watchdog

FIRST_WRITE_S = 3.0
"""Seconds that the end of a call waits until its first response is written."""


class Waits:
    """The timeouts of a stream."""

    def __init__(self, settings: Settings, clock: RunningClock) -> None:
        self.clock = clock
        first, idle, stalled = settings.first_message_timeout, settings.idle_timeout, settings.stalled_reader_timeout
        text = f"no message within {first:g} s after the start of the stream"
        self.first_message = Wait("first_message_timeout", first, text)
        text = f"the request did not arrive within {first:g} s"
        self.request = Wait("first_message_timeout", first, text)
        self.enough_seconds = idle * settings.min_audio_rate
        text = f"less than {self.enough_seconds:g} s of audio within {idle:g} s: send silence, or end the stream"
        self.idle = Wait("idle_timeout", idle, text)
        text = f"no response was read for {stalled:g} s: read responses while you send"
        self.stalled_reader = Wait("stalled_reader_timeout", stalled, text)


class StreamCall:
    """The handler of one call. It owns the session."""

    def __init__(
        self,
        context: Context,
        record: CallRecord,
        scheduler: Scheduler,
        limits: Limits,
        waits: Waits,
        memory: MemoryBudget,
    ) -> None:
        self._context, self._record, self._memory = context, record, memory
        self._scheduler, self._limits, self._waits = scheduler, limits, waits
        self._session = Session()

    async def run(self) -> None:
        """Read until the client has finished, then write the end of the file."""
        session, record, scheduler, limits = self._session, self._record, self._scheduler, self._limits
        turns, caller, read = scheduler.turns, record.caller, self._context.read
        encoder: AudioEncoder | None = None
        await turns.turn(caller, CALL_MS)
        try:
            with self._memory.reserve(self._memory.stream_bytes) as memory, Watchdog(self._waits.clock) as watchdog:
                watchdog.expect(self._waits.first_message)
                while (request := await read()) is not grpc.aio.EOF:
                    record.received += 1
                    if encoder is None:
                        record.first_message()
                        await self._turn(OPEN_MS, watchdog)
                        encoder = self._open(request, memory)
                        cost = StreamCost(encoder.cost)
                        activity = Activity(self._waits.clock, encoder, self._waits.enough_seconds)
                    elif request.HasField("config") or request.HasField("resume"):
                        session.begin(request)
                    pcm, flush, place, description = parts(request)
                    del request  # so that an idle stream does not keep its last message in memory
                    size = len(pcm)
                    work = limits.check_message(encoder, size, place)
                    expected_ms = cost.expected_ms(work)
                    inline = expected_ms <= INLINE_MS and session.replay is None
                    ms = MESSAGE_MS + expected_ms if inline else MESSAGE_MS
                    if not turns.take(caller, ms):
                        watchdog.pause()
                        await turns.wait(caller, ms)
                    if not inline:
                        await self._encode_in_pool(encoder, cost, pcm, flush, place, watchdog)
                        cost.add_pooled(work)
                    else:
                        begin = cost.clock()
                        responses = session.encode(pcm, flush, place)
                        if (excess_ms := cost.add_inline(record, work, begin)) > CHARGED_MS:
                            turns.charge(caller, excess_ms)
                        if responses:
                            await self._send(encoder, responses, watchdog)
                    del pcm
                    if description is not None:
                        watchdog.pause()
                        await scheduler.in_pool(caller, session.describe, description)
                    watchdog.expect(self._waits.idle, activity.since(flush))
                await self._turn(MESSAGE_MS + INLINE_MS, watchdog)
                if encoder is None:
                    raise config_missing("end of stream")
                if session.replay is None and ends_inline(encoder, cost):
                    begin, held_bytes = cost.clock(), encoder.held_bytes
                    responses = session.finish()
                    cost.add_inline(record, held_bytes, begin)
                else:
                    if encoder.takes_positions:
                        await self._in_steps(encoder, cost, session.finish_slices(), watchdog)
                    watchdog.pause()
                    responses = await scheduler.pooled(record, cost, session.finish)
                await self._send(encoder, responses, watchdog)
        finally:
            session.close()

    async def _turn(self, ms: float, watchdog: Watchdog) -> None:
        """Wait until work of `ms` may run on the event loop. This time does not count as the client's."""
        watchdog.pause()
        await self._scheduler.turns.turn(self._record.caller, ms)

    def _open(self, request: pb.EncodeStreamRequest, memory: Reservation) -> AudioEncoder:
        """Take the first request."""
        if request.HasField("config"):
            self._limits.check_config(request.config)
            self._record.request_id = request.config.request_id
        encoder = self._session.begin(request)
        self._record.observe(encoder)
        memory.add_encoder(encoder)
        if request.HasField("resume"):
            self._record.resumed(request.resume.offset, encoder.options.output.format.name)
        return encoder

    async def _encode_in_pool(
        self, encoder: AudioEncoder, cost: StreamCost, pcm: bytes, flush: bool, place: Place | None, watchdog: Watchdog
    ) -> None:
        """Encode a message slice by slice.

        A slice is not encoded before the client has read the output of the one before it, so a slow reader takes little
        memory.
        """
        if encoder.takes_positions:
            await self._in_steps(encoder, cost, self._session.slices(pcm, flush, place), watchdog)
            return
        parts = encoder.cost.slices(pcm)
        for number, part in enumerate(parts, 1):
            watchdog.pause()
            arguments = self._session.encode, part, flush and number == len(parts), place
            await self._send(encoder, await self._scheduler.pooled(self._record, cost, *arguments), watchdog)

    async def _in_steps(
        self, encoder: AudioEncoder, cost: StreamCost, steps: Iterator[Responses], watchdog: Watchdog
    ) -> None:
        """Run steps in the pool, with the same rule for a slow reader."""
        responses: Responses | None = []
        while responses is not None:
            watchdog.pause()
            responses = await self._scheduler.pooled(self._record, cost, next, steps, None)
            await self._send(encoder, responses or [], watchdog)

    async def _send(self, encoder: AudioEncoder, responses: Responses, watchdog: Watchdog) -> None:
        record, context = self._record, self._context
        for response in responses:
            watchdog.expect(self._waits.stalled_reader)
            write = context.write(response)
            await (write if record.sent else _write_first(write))
            record.sent += 1
        if record.first_byte_s is None and encoder.bytes_out:
            record.first_byte()
        self._limits.check_file(encoder.bytes_out)


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
