"""One EncodeStream call: reads requests, decides where they are encoded, and writes the responses."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import grpc
from audiowriter.v1 import audio_writer_pb2 as pb

from ..clock import RunningClock
from ..runtime.settings import Settings
from ..telemetry.call_record import CallRecord
from .admission import Context
from .limits import Limits
from .memory import Reservation
from .scheduling import INLINE_MS, Scheduler, StreamCost, ends_inline
from .session import Responses, Session
from .turns import MESSAGE_MS, OPEN_MS
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
        reservation: Reservation,
    ) -> None:
        self._context, self._record, self._reservation = context, record, reservation
        self._scheduler, self._limits, self._waits = scheduler, limits, waits
        self._session = Session()
        self._cost = StreamCost()
        record.observe(self._session)

    async def run(self) -> None:
        """Read until the client has finished, then write the end of the file."""
        session, cost, record, scheduler = self._session, self._cost, self._record, self._scheduler
        clock, turns, caller = self._waits.clock, scheduler.turns, record.caller
        activity = Activity(self._waits.enough_seconds)
        try:
            with Watchdog(clock) as watchdog:
                watchdog.expect(self._waits.first_message)
                while (request := await self._context.read()) is not grpc.aio.EOF:
                    record.message_received()
                    if session.encoder is None:
                        await self._turn(OPEN_MS, watchdog)
                    if request.HasField("config") or request.HasField("resume"):
                        self._configure(request)
                    encoder = session.encoder
                    pcm = request.pcm  # read once, because each access to a bytes field copies it
                    flush = request.HasField("flush")
                    del request  # so that an idle stream does not keep its last message in memory
                    size = len(pcm)
                    self._limits.check_message(encoder, size)
                    expected_ms = cost.expected_ms(encoder, size)
                    inline = expected_ms <= INLINE_MS and session.replay is None
                    ms = MESSAGE_MS + (expected_ms if inline else 0.0)
                    if not turns.take(caller, ms):
                        watchdog.pause()
                        await turns.wait(caller, ms)
                    if not inline:
                        await self._encode_in_pool(pcm, flush, watchdog)
                    elif responses := scheduler.inline(record, cost, session.encode, pcm, flush):
                        await self._send(responses, watchdog)
                    del pcm
                    call_ms = cost.end_call(size, expected_ms)
                    if inline and call_ms > expected_ms:
                        turns.charge(caller, call_ms - expected_ms)
                    watchdog.expect(self._waits.idle, activity.since(clock.now(), encoder, flush))
                await self._turn(MESSAGE_MS + INLINE_MS, watchdog)
                if session.replay is None and ends_inline(session, cost):
                    responses = scheduler.inline(record, cost, session.finish)
                else:
                    watchdog.pause()
                    responses = await scheduler.pooled(record, cost, session.finish)
                await self._send(responses, watchdog)
        finally:
            session.close()

    async def _turn(self, ms: float, watchdog: Watchdog) -> None:
        """Wait until work of `ms` may run on the event loop. This time does not count as the client's."""
        watchdog.pause()
        await self._scheduler.turns.turn(self._record.caller, ms)

    def _configure(self, request: pb.EncodeStreamRequest) -> None:
        session = self._session
        is_first = session.encoder is None
        if is_first and request.HasField("config"):
            self._limits.check_config(request.config)
            self._record.request_id = request.config.request_id
        encoder = session.begin(request)
        if is_first and encoder is not None:
            self._reservation.add_encoder(encoder)
            if request.HasField("resume"):
                self._record.resumed(request.resume.offset, encoder.options.output.format.name)

    async def _encode_in_pool(self, pcm: bytes, flush: bool, watchdog: Watchdog) -> None:
        """Encode a message slice by slice.

        A slice is not encoded before the client has read the output of the one before it, so a slow reader takes little
        memory.
        """
        session = self._session
        parts = session.encoder.cost.slices(pcm) if session.encoder else (pcm,)
        for number, part in enumerate(parts, 1):
            watchdog.pause()
            arguments = session.encode, part, flush and number == len(parts)
            await self._send(await self._scheduler.pooled(self._record, self._cost, *arguments), watchdog)

    async def _send(self, responses: Responses, watchdog: Watchdog) -> None:
        record = self._record
        for response in responses:
            watchdog.expect(self._waits.stalled_reader)
            write = self._context.write(response)
            await (write if record.sent else _write_first(write))
            record.message_sent()
        self._limits.check_file(self._session.bytes_out)


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
