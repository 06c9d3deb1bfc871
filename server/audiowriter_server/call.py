"""One call, as its log line, its metrics and its span tell of it."""

import asyncio
import logging
import time
from collections.abc import Iterator
from typing import Any

import grpc
from audiowriter.v1 import audio_writer_pb2 as pb

from . import metrics, tracing
from .encoders import ENCODERS
from .errors import AudioWriterError
from .logs import FIELDS
from .session import Session

log = logging.getLogger("audiowriter")

SERVICE_NAME = pb.DESCRIPTOR.services_by_name["AudioWriterService"].full_name

NO_FORMAT = "none"

_METHODS = {
    name: metrics.MethodMetrics(SERVICE_NAME, name, kind)
    for name, kind in (("EncodeStream", "bidi_stream"), ("Encode", "unary"), ("ListFormats", "unary"))
}


class Call:
    """Counts in plain numbers while messages pass, and hands them to the metrics when asked to: no labels, no locks, no
    lines a message.
    """

    def __init__(self, method: str, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        self.method = method
        self.metadata = tuple(context.invocation_metadata() or ())
        self.session = Session()
        self.received = 0
        """Messages."""
        self.sent = 0
        self._begin = self._first_message = time.perf_counter()
        self._first_byte_s: float | None = None
        self._encode_seconds = 0.0
        self._peer = context.peer()
        self._span = tracing.start_span(SERVICE_NAME, method, self.metadata)
        self._task = asyncio.current_task()
        self.cut_by: AudioWriterError | None = None
        """What `cut` ended the call with."""
        self._metrics = _METHODS[method]
        self._format = NO_FORMAT
        self._format_metrics = metrics.of_format(NO_FORMAT)
        self._live = 0
        self._published = (0, 0, 0.0, 0, 0.0)
        self._metrics.started.inc()

    def message_received(self) -> None:
        """Count one message."""
        if not self.received:
            self._first_message = time.perf_counter()
        self.received += 1

    def message_sent(self) -> None:
        """Count one message."""
        self.sent += 1
        if self._first_byte_s is None and self.session.bytes_out:
            self._first_byte_s = time.perf_counter() - self._first_message

    def step(self, responses: Iterator[pb.EncodeStreamResponse]) -> pb.EncodeStreamResponse | None:
        """Do one slice of the session's work; None when there is no more. May run on another thread."""
        begin = time.perf_counter()
        try:
            return next(responses, None)
        finally:
            self._encode_seconds += time.perf_counter() - begin

    def all_steps(self, responses: Iterator[pb.EncodeStreamResponse]) -> list[pb.EncodeStreamResponse]:
        """Do all of it in one go."""
        begin = time.perf_counter()
        try:
            return list(responses)
        finally:
            self._encode_seconds += time.perf_counter() - begin

    def cut(self, error: AudioWriterError) -> asyncio.Task[Any]:
        """End the call with `error` wherever it is; the task is done when the caller has been told."""
        assert self._task is not None
        self.cut_by = error
        self._task.cancel()
        return self._task

    def admitted(self) -> None:
        """The call is live from here on, until it has ended."""
        self._live = 1
        self._format_metrics.live_streams.inc()

    def publish(self) -> None:
        """Hand what came since the last time to the metrics."""
        session, options = self.session, self.session.options
        if self._format is NO_FORMAT and options is not None:
            self._format_metrics.live_streams.dec(self._live)
            self._format = ENCODERS[options.output.format].spec.name
            self._format_metrics = metrics.of_format(self._format)
            self._format_metrics.live_streams.inc(self._live)
        now = (self.received, self.sent, session.input_seconds, session.bytes_out, self._encode_seconds)
        counters = (
            self._metrics.received,
            self._metrics.sent,
            self._format_metrics.audio_seconds,
            self._format_metrics.encoded_bytes,
            self._format_metrics.encode_seconds,
        )
        for counter, value, before in zip(counters, now, self._published, strict=True):
            if value != before:
                counter.inc(value - before)
        self._published = now

    def end(self, code: str, error: AudioWriterError | None = None, error_id: str = "") -> None:
        """Write the log line, the last counts and the span. `code`: the status, such as "OK"."""
        seconds = time.perf_counter() - self._begin
        reason = error.reason if error is not None else ""
        self.publish()
        self._format_metrics.live_streams.dec(self._live)
        self._live = 0
        self._metrics.handled(code)
        self._metrics.handling.observe(seconds)
        if self._first_byte_s is not None:
            self._format_metrics.first_byte.observe(self._first_byte_s)
        if reason:
            metrics.ERRORS.labels(reason).inc()
        told: dict[str, str | float | None] = {
            "method": self.method,
            "code": code,
            "reason": reason,
            "error_id": error_id,
            "format": self._format,
            "audio_seconds": round(self.session.input_seconds, 3),
            "bytes": self.session.bytes_out,
            "first_byte_ms": None if self._first_byte_s is None else round(self._first_byte_s * 1000, 3),
            "seconds": round(seconds, 3),
            "received": self.received,
            "sent": self.sent,
            "peer": self._peer,
            "trace_id": tracing.trace_id(self._span),
        }
        line = {name: value for name, value in told.items() if value is not None and value != ""}
        log.info("call", extra={FIELDS: line})
        tracing.end_span(self._span, line)
