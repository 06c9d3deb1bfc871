"""OpenTelemetry spans, one a call, in the trace that the caller's W3C `traceparent` names.

Only the API is needed; without an SDK the spans are nothing, but the caller's trace id still reaches the log. The
instrumentation that OpenTelemetry has for grpc.aio does not fit handlers that read and write on their own.
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
_SERVER_FAULTS = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
"""What OpenTelemetry's conventions call an error of a server; all else is the caller's."""
_HEADERS = ("traceparent", "tracestate")


def start_span(service: str, method: str, metadata: Iterable[tuple[str, str | bytes]]) -> Span:
    """Start the span of a call."""
    carrier = {key: value for key, value in metadata if key in _HEADERS and isinstance(value, str)}
    return trace.get_tracer("audiowriter").start_span(
        f"{service}/{method}",
        _PROPAGATOR.extract(carrier, Context()),
        SpanKind.SERVER,
        {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method},
    )


def trace_id(span: Span) -> str:
    """32 hexadecimal digits, or nothing where neither caller nor SDK made a trace."""
    context = span.get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""


def end_span(span: Span, told: Mapping[str, str | float]) -> None:
    """End the span of a call; `told` is what its log line says."""
    code = grpc.StatusCode[str(told["code"])]
    span.set_attribute("rpc.grpc.status_code", code.value[0])
    for name in ("format", "audio_seconds", "bytes", "first_byte_ms", "reason", "error_id"):
        if name in told:
            span.set_attribute(f"audiowriter.{name}", told[name])
    if code in _SERVER_FAULTS:
        span.set_status(StatusCode.ERROR, str(told.get("reason", code.name)))
    span.end()


@contextmanager
def exporting(enabled: bool) -> Iterator[None]:
    """Send spans as the OTEL_ variables say. Raises ModuleNotFoundError where the otel extra is missing."""
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
