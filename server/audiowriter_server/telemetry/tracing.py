"""OpenTelemetry spans, one per call, in the trace of the client's W3C `traceparent`.

Only OpenTelemetry's API is required. Without an SDK no spans are recorded, but the client's trace id still appears in the
log. OpenTelemetry's instrumentation of grpc.aio does not support handlers that read and write messages themselves.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import grpc
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("audiowriter")  # it takes the provider that `exporting` sets later
_SERVER_FAULTS = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
"""The codes of this server that OpenTelemetry's conventions count as server errors. The others are client errors."""
_HEADERS = ("traceparent", "tracestate")
_ATTRIBUTES = (
    *("format", "audio_seconds", "bytes", "first_byte_ms", "resumed", "resume_offset", "resume_joined"),
    *("reason", "error_id", "request_id"),
)
"""Fields of the log line that are also attributes of the span."""


def start_span(service: str, method: str, metadata: Iterable[tuple[str, str | bytes]]) -> Span:
    """Start the span of a call."""
    carrier = {key: value for key, value in metadata if key in _HEADERS and isinstance(value, str)}
    return _TRACER.start_span(
        f"{service}/{method}",
        _PROPAGATOR.extract(carrier, Context()),
        SpanKind.SERVER,
        {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method},
    )


def trace_id(span: Span) -> str:
    """Return the trace id, 32 hexadecimal digits, or "" if neither the client nor an SDK has created a trace."""
    context = span.get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""


def end_span(span: Span, fields: Mapping[str, str | float]) -> None:
    """End the span of a call. `fields`: the fields of its log line."""
    code = grpc.StatusCode[str(fields["code"])]
    span.set_attribute("rpc.grpc.status_code", code.value[0])
    for name in _ATTRIBUTES:
        if name in fields:
            span.set_attribute(f"audiowriter.{name}", fields[name])
    if code in _SERVER_FAULTS:
        span.set_status(StatusCode.ERROR, str(fields.get("reason", code.name)))
    span.end()


@contextmanager
def exporting(enabled: bool) -> Iterator[None]:
    """Export spans until the end of the context, as configured by the OTEL_ variables. Does nothing if not `enabled`.

    Raises ModuleNotFoundError if the otel extra is not installed.
    """
    if not enabled:
        yield
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    os.environ.setdefault("OTEL_SERVICE_NAME", "audiowriter")
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()
