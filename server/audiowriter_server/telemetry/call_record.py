"""The record of one call, from which its log line, metrics and span are made. It only observes the call."""

import logging
import time
from typing import Any

import grpc
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core import AudioEncoder, ResumedEncoder

from ..errors import CallError
from . import metrics, tracing
from .logs import FIELDS

log = logging.getLogger("audiowriter")

SERVICE_NAME = pb.DESCRIPTOR.services_by_name["AudioWriterService"].full_name

NO_FORMAT = "none"

_METHODS = {
    name: metrics.MethodMetrics(SERVICE_NAME, name, kind)
    for name, kind in (
        ("EncodeStream", "bidi_stream"),
        ("Encode", "unary"),
        ("ResolveConfig", "unary"),
        ("ListFormats", "unary"),
        ("GetServerInfo", "unary"),
    )
}


class CallRecord:
    """Counts locally. Admission publishes the counts once a second, so no message has to update a metric."""

    def __init__(self, method: str, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        self.method = method
        self.metadata = tuple(context.invocation_metadata() or ())
        self.caller = ""
        """Key of the caller, from `caller_of`; empty until admission has checked its token."""
        self.received = 0
        """Messages received."""
        self.sent = 0
        """Messages sent."""
        self.encode_seconds = 0.0
        """Seconds spent in encode calls so far."""
        self.request_id = ""
        """The caller's own ID of the call, from the config."""
        self._resume_offset: int | None = None
        self._encoder: AudioEncoder | None = None
        self._begin = self._first_message = time.perf_counter()
        self.first_byte_s: float | None = None
        """Seconds from the first message to the first byte of the file; None until then."""
        self._peer = context.peer()
        self.caller = self._peer.rpartition(":")[0]
        self._span = tracing.start_span(SERVICE_NAME, method, self.metadata)
        self._metrics = _METHODS[method]
        self._format = NO_FORMAT
        self._format_metrics = metrics.for_format(NO_FORMAT)
        self._live = 0
        self._published = (0, 0, 0.0, 0, 0.0)
        self._metrics.started.inc()

    def observe(self, encoder: AudioEncoder) -> None:
        """Take bytes, seconds and format from this encoder from now on."""
        self._encoder = encoder

    def resumed(self, offset: int, name: str) -> None:
        """Note that the stream goes on with a file of the format `name`, of which its listener has `offset` bytes."""
        self._resume_offset = offset
        metrics.for_format(name).resumed_streams.inc()

    def first_message(self) -> None:
        """Note that the first message from the client has arrived."""
        self._first_message = time.perf_counter()

    def first_byte(self) -> None:
        """Note that the first byte of the file was sent."""
        self.first_byte_s = time.perf_counter() - self._first_message

    def admitted(self) -> None:
        """Count the call as live until it ends."""
        self._live = 1
        self._format_metrics.live_streams.inc()

    def publish(self) -> None:
        """Add the counts since the last call of this method to the metrics."""
        encoder = self._encoder
        if self._format is NO_FORMAT and encoder is not None:
            self._format_metrics.live_streams.dec(self._live)
            self._format = encoder.options.output.format.name
            self._format_metrics = metrics.for_format(self._format)
            self._format_metrics.live_streams.inc(self._live)
        seconds, size = (encoder.input_seconds, encoder.bytes_out) if encoder is not None else (0.0, 0)
        now = (self.received, self.sent, seconds, size, self.encode_seconds)
        counters = (
            self._metrics.received,
            self._metrics.sent,
            self._format_metrics.audio_seconds,
            self._format_metrics.encoded_bytes,
            self._format_metrics.encode_seconds,
        )
        for counter, value, before in zip(counters, now, self._published, strict=True):
            if value > before:  # the bytes of a stream that has joined another one may get fewer
                counter.inc(value - before)
        self._published = now

    def end(self, code: str, error: CallError | None = None, error_id: str = "") -> None:
        """Publish the last counts, write the log line and end the span. `code`: name of the status, such as "OK"."""
        seconds = time.perf_counter() - self._begin
        reason = error.reason if error is not None else ""
        self.publish()
        self._format_metrics.live_streams.dec(self._live)
        self._live = 0
        self._metrics.handled(code)
        exemplar = {"request_id": self.request_id} if self.request_id else None
        self._metrics.handling.observe(seconds, exemplar)
        if self.first_byte_s is not None:
            self._format_metrics.first_byte.observe(self.first_byte_s, exemplar)
        if reason:
            metrics.ERRORS.labels(reason).inc()
        encoder = self._encoder
        values: dict[str, str | float | None] = {
            "method": self.method,
            "code": code,
            "reason": reason,
            "error_id": error_id,
            "request_id": self.request_id,
            "format": self._format,
            "resumed": None if self._resume_offset is None else True,
            "resume_offset": self._resume_offset,
            "resume_joined": True if isinstance(encoder, ResumedEncoder) and encoder.joined else None,
            "audio_seconds": round(encoder.input_seconds, 3) if encoder is not None else 0.0,
            "bytes": encoder.bytes_out if encoder is not None else 0,
            "first_byte_ms": None if self.first_byte_s is None else round(self.first_byte_s * 1000, 3),
            "seconds": round(seconds, 3),
            "received": self.received,
            "sent": self.sent,
            "peer": self._peer,
            "trace_id": tracing.trace_id(self._span),
        }
        line = {name: value for name, value in values.items() if value is not None and value != ""}
        log.info("call", extra={FIELDS: line})
        tracing.end_span(self._span, line)
