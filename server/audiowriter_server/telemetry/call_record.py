"""The record of one call, from which its log line, metrics and span are made. It only observes the call."""

import logging
import time
from typing import Any, Protocol

import grpc
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core import AudioEncoder

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


class Observed(Protocol):
    """The attributes of a stream that a record reads."""

    encoder: AudioEncoder | None
    """None until the config was received."""

    @property
    def input_seconds(self) -> float: ...

    @property
    def bytes_out(self) -> int: ...


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
        self._stream: Observed | None = None
        self._begin = self._first_message = time.perf_counter()
        self._first_byte_s: float | None = None
        self._peer = context.peer()
        self.caller = self._peer.rpartition(":")[0]
        self._span = tracing.start_span(SERVICE_NAME, method, self.metadata)
        self._metrics = _METHODS[method]
        self._format = NO_FORMAT
        self._format_metrics = metrics.for_format(NO_FORMAT)
        self._live = 0
        self._published = (0, 0, 0.0, 0, 0.0)
        self._metrics.started.inc()

    def observe(self, stream: Observed) -> None:
        """Take bytes, seconds and format from this stream from now on."""
        self._stream = stream

    def resumed(self, offset: int, name: str) -> None:
        """Note that the stream goes on with a file of the format `name`, of which its listener has `offset` bytes."""
        self._resume_offset = offset
        metrics.for_format(name).resumed_streams.inc()

    def message_received(self) -> None:
        """Count a message from the client."""
        if not self.received:
            self._first_message = time.perf_counter()
        self.received += 1

    def message_sent(self) -> None:
        """Count a message to the client."""
        self.sent += 1
        if self._first_byte_s is None and self._stream is not None and self._stream.bytes_out:
            self._first_byte_s = time.perf_counter() - self._first_message

    def admitted(self) -> None:
        """Count the call as live until it ends."""
        self._live = 1
        self._format_metrics.live_streams.inc()

    def publish(self) -> None:
        """Add the counts since the last call of this method to the metrics."""
        stream = self._stream
        if self._format is NO_FORMAT and stream is not None and stream.encoder is not None:
            self._format_metrics.live_streams.dec(self._live)
            self._format = stream.encoder.options.output.format.name
            self._format_metrics = metrics.for_format(self._format)
            self._format_metrics.live_streams.inc(self._live)
        seconds, size = (stream.input_seconds, stream.bytes_out) if stream is not None else (0.0, 0)
        now = (self.received, self.sent, seconds, size, self.encode_seconds)
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
        if self._first_byte_s is not None:
            self._format_metrics.first_byte.observe(self._first_byte_s, exemplar)
        if reason:
            metrics.ERRORS.labels(reason).inc()
        stream = self._stream
        values: dict[str, str | float | None] = {
            "method": self.method,
            "code": code,
            "reason": reason,
            "error_id": error_id,
            "request_id": self.request_id,
            "format": self._format,
            "resumed": None if self._resume_offset is None else True,
            "resume_offset": self._resume_offset,
            "audio_seconds": round(stream.input_seconds, 3) if stream is not None else 0.0,
            "bytes": stream.bytes_out if stream is not None else 0,
            "first_byte_ms": None if self._first_byte_s is None else round(self._first_byte_s * 1000, 3),
            "seconds": round(seconds, 3),
            "received": self.received,
            "sent": self.sent,
            "peer": self._peer,
            "trace_id": tracing.trace_id(self._span),
        }
        line = {name: value for name, value in values.items() if value is not None and value != ""}
        log.info("call", extra={FIELDS: line})
        tracing.end_span(self._span, line)
