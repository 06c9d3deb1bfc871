"""Prometheus metrics. Those of calls have the names of go-grpc-middleware, so that dashboards for it work here, too.

If there are several workers, each writes to its own files in the directory PROMETHEUS_MULTIPROC_DIR, and the supervisor
serves the sums. The counters of a worker that was killed are kept, but not its live streams.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from . import endpoint

MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_CALL_BUCKETS = (0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 4 * 3600)
_FIRST_BYTE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_LOOP_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)

_METHOD = ("grpc_type", "grpc_service", "grpc_method")
_FORMAT = ("format",)

STARTED = Counter("grpc_server_started_total", "Calls started.", _METHOD)
HANDLED = Counter("grpc_server_handled_total", "Calls ended, by status.", (*_METHOD, "grpc_code"))
RECEIVED = Counter("grpc_server_msg_received_total", "Messages received.", _METHOD)
SENT = Counter("grpc_server_msg_sent_total", "Messages sent.", _METHOD)
HANDLING = Histogram("grpc_server_handling_seconds", "Duration of calls, in seconds.", _METHOD, buckets=_CALL_BUCKETS)

LIVE_STREAMS = Gauge(
    "audiowriter_live_streams",
    "EncodeStream, Encode and ResolveConfig calls in progress; format none: before the config.",
    _FORMAT,
    multiprocess_mode="livesum",
)
MAX_STREAMS = Gauge(
    "audiowriter_max_streams", "The setting max_streams, summed over all workers.", multiprocess_mode="livesum"
)
ERRORS = Counter(
    "audiowriter_errors_total", "Calls that the server refused or ended with an error, by reason.", ("reason",)
)
AUDIO_SECONDS = Counter("audiowriter_audio_seconds_total", "Seconds of audio received.", _FORMAT)
ENCODED_BYTES = Counter("audiowriter_encoded_bytes_total", "Bytes of encoded audio returned.", _FORMAT)
ENCODE_SECONDS = Counter("audiowriter_encode_seconds_total", "Time spent in encode calls, in seconds.", _FORMAT)
FIRST_BYTE = Histogram(
    "audiowriter_first_byte_seconds",
    "Time from the first message of a stream to its first encoded byte, in seconds.",
    _FORMAT,
    buckets=_FIRST_BYTE_BUCKETS,
)
RESUMED_STREAMS = Counter(
    "audiowriter_resumed_streams_total", "Streams that clients sent again after a call that broke.", _FORMAT
)
LOOP_LAG = Histogram(
    "audiowriter_loop_lag_seconds",
    "Delay of a timer on the event loop, in seconds; measured once a second.",
    buckets=_LOOP_BUCKETS,
)


class MethodMetrics:
    """The metrics of one method. Labels are looked up once."""

    def __init__(self, service: str, method: str, kind: str) -> None:
        labels = (kind, service, method)
        self.started = STARTED.labels(*labels)
        self.received = RECEIVED.labels(*labels)
        self.sent = SENT.labels(*labels)
        self.handling = HANDLING.labels(*labels)
        self._labels = labels

    def handled(self, code: str) -> None:
        """Count a call that ended with `code`, such as "OK"."""
        HANDLED.labels(*self._labels, code).inc()


class FormatMetrics:
    """The metrics of one format. Labels are looked up once."""

    def __init__(self, name: str) -> None:
        self.live_streams = LIVE_STREAMS.labels(name)
        self.audio_seconds = AUDIO_SECONDS.labels(name)
        self.encoded_bytes = ENCODED_BYTES.labels(name)
        self.encode_seconds = ENCODE_SECONDS.labels(name)
        self.first_byte = FIRST_BYTE.labels(name)
        self.resumed_streams = RESUMED_STREAMS.labels(name)


@cache
def for_format(name: str) -> FormatMetrics:
    """Return the metrics of a format. `name`: "none" before the config."""
    return FormatMetrics(name)


@contextmanager
def serving(host: str, port: int) -> Iterator[None]:
    """Serve /metrics over HTTP until the end of the context. Raises OSError if the port is not available."""
    registry = REGISTRY
    if MULTIPROCESS_VARIABLE in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)

    def page(accept: str) -> tuple[bytes, str]:
        try:
            encode, content_type = choose_encoder(accept)
        except (TypeError, ValueError):  # the client accepts a version that is no number
            encode, content_type = choose_encoder("")
        return encode(registry), content_type

    with endpoint.serving(host, port, page):
        yield
