"""Observability: the log, the metrics and the spans match what the clients saw."""

import gzip
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.request import Request, urlopen

import grpc
import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from support.metrics import Metrics
from support.server import CONFIG, FRAME, ServerProcess, Stream, channel_to, poll

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
MP3 = pb.EncodeStreamRequest(
    config=pb.StreamConfig(input=pb.PcmInput(sample_rate_hz=24000), output=pb.AudioOutput(format=pb.AUDIO_FORMAT_MP3))
)


def method(name: str, *more: str, kind: str = "bidi_stream") -> tuple[str, ...]:
    return (*more, name, "audiowriter.v1.AudioWriterService", kind)


def drive(targets: list[str]) -> Counter[str]:
    """End calls in every way on every target; return the clients' counts of codes."""
    seen: Counter[str] = Counter()
    for target in targets:
        with channel_to(target) as channel:
            for first in (CONFIG, MP3):
                for _ in range(5):
                    stream = Stream(channel, first)
                    for _ in range(50):
                        stream.send(pb.EncodeStreamRequest(pcm=FRAME))
                    assert stream.finish().input_samples == 24000
                    seen["OK"] += 1
            bad = Stream(channel, pb.EncodeStreamRequest(pcm=FRAME))
            seen[bad.error().code.name] += 1
            wrong = pb.EncodeStreamRequest(config=pb.StreamConfig())
            seen[Stream(channel, wrong).error().code.name] += 1
            cancelled = Stream(channel).start()
            cancelled.call.cancel()
            seen[cancelled.error().code.name] += 1
            late = Stream(channel, timeout=0.5)
            seen[late.error().code.name] += 1
    return seen


def ended(codes: Counter[str]) -> Counter[str]:
    """Return the codes, with those merged that a server cannot distinguish: a deadline may reach it as a cancellation."""
    alike = {"DEADLINE_EXCEEDED": "CANCELLED"}
    return sum((Counter({alike.get(code, code): count}) for code, count in codes.items()), Counter[str]())


@pytest.mark.parametrize("workers", [1, 2])
def test_log_and_metrics_match_the_clients_counts(workers: int) -> None:
    metrics = Metrics()
    with ServerProcess(metrics.flag, workers=workers) as server:
        seen = drive(server.targets)
        total = sum(seen.values())
        handled = "grpc_server_handled_total"
        poll(lambda: sum(v for k, v in metrics.read().items() if k[0] == handled) == total, "calls are missing")
        read = metrics.read()
        server.signal()
        assert server.wait() == 0
    codes = {key[1]: int(value) for key, value in read.items() if key[0] == handled and "EncodeStream" in key}
    logged = Counter(line["code"] for line in server.calls())
    assert codes == logged
    assert ended(logged) == ended(seen)
    streams = 5 * workers
    assert read["grpc_server_started_total", *method("EncodeStream")] == total
    assert read["grpc_server_handling_seconds_count", *method("EncodeStream")] == total
    for name in ("pcm", "mp3"):
        lines = [line for line in server.calls() if line.get("format") == name and line["code"] == "OK"]
        assert len(lines) == streams
        assert read["audiowriter_audio_seconds_total", name] == pytest.approx(streams)
        assert read["audiowriter_encoded_bytes_total", name] == sum(line["bytes"] for line in lines)
        assert read["audiowriter_first_byte_seconds_count", name] == streams
        assert read["audiowriter_encode_seconds_total", name] > 0
        assert read["audiowriter_live_streams", name] == 0
    received = sum(line["received"] for line in server.calls())
    sent = sum(line["sent"] for line in server.calls())
    assert read["grpc_server_msg_received_total", *method("EncodeStream")] == received
    assert read["grpc_server_msg_sent_total", *method("EncodeStream")] == sent
    assert read["audiowriter_errors_total", "CONFIG_MISSING"] == workers
    assert read["audiowriter_errors_total", "INVALID_ARGUMENT"] == workers
    assert read["audiowriter_max_streams",] == 1000 * workers


def test_histograms_have_the_request_id_of_a_call_as_exemplar() -> None:
    metrics = Metrics()
    first = pb.EncodeStreamRequest()
    first.CopyFrom(MP3)
    first.config.request_id = "x" * 64  # the longest
    with ServerProcess(metrics.flag) as server, channel_to(server) as channel:
        stream = Stream(channel, first).start()
        stream.send(pb.EncodeStreamRequest(pcm=50 * FRAME))
        stream.finish()
        server.wait_for_line("call")
        accept = {"Accept": "application/openmetrics-text"}
        with urlopen(Request(f"http://127.0.0.1:{metrics.port}/metrics", headers=accept), timeout=20) as answer:
            lines = answer.read().decode().splitlines()
    found = {line.partition("_bucket")[0] for line in lines if f'# {{request_id="{"x" * 64}"}}' in line}
    assert found == {"grpc_server_handling_seconds", "audiowriter_first_byte_seconds"}


def test_live_streams_are_counted_while_they_live() -> None:
    metrics = Metrics()
    with ServerProcess(metrics.flag) as server, channel_to(server) as channel:
        silent = [Stream(channel, None) for _ in range(2)]
        streams = [Stream(channel, MP3).start() for _ in range(3)]
        poll(lambda: metrics.value("audiowriter_live_streams", "mp3") == 3, "3 streams live")
        poll(lambda: metrics.value("audiowriter_live_streams", "none") == 2, "2 without a config")
        streams[0].send(pb.EncodeStreamRequest(pcm=bytes(48000)))
        poll(lambda: metrics.value("audiowriter_audio_seconds_total", "mp3") == 1, "one second was received")
        for stream in streams:
            stream.finish()
        for stream in silent:
            stream.call.cancel()
        poll(lambda: metrics.value("audiowriter_live_streams", "mp3") == 0, "all ended")
        poll(lambda: metrics.value("audiowriter_live_streams", "none") == 0, "all ended")


def test_every_method_is_counted_and_logged_with_the_callers_trace() -> None:
    metrics = Metrics()
    with ServerProcess(metrics.flag) as server, channel_to(server) as channel:
        stub = AudioWriterServiceStub(channel)
        stub.ListFormats(pb.ListFormatsRequest(), metadata=[("traceparent", f"00-{TRACE_ID}-{SPAN_ID}-01")])
        assert server.wait_for_line("call")["trace_id"] == TRACE_ID
        stub.Encode(pb.EncodeRequest(config=CONFIG.config, pcm=FRAME))
        for name in ("ListFormats", "Encode"):
            for counter in ("grpc_server_msg_received_total", "grpc_server_msg_sent_total"):
                poll(lambda c=counter, n=name: metrics.value(c, *method(n, kind="unary")) == 1, name)
            assert metrics.value("grpc_server_handled_total", "OK", *method(name, kind="unary")) == 1


@contextmanager
def collector() -> Iterator[tuple[str, list[Span]]]:
    """Run an OTLP endpoint and collect its spans."""
    spans: list[Span] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    spans.extend(scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as endpoint:
        thread = threading.Thread(target=endpoint.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{endpoint.server_port}/v1/traces", spans
        endpoint.shutdown()
        thread.join()


def test_span_and_log_line_belong_to_the_callers_trace() -> None:
    parent = [("traceparent", f"00-{TRACE_ID}-{SPAN_ID}-01")]
    named = pb.EncodeStreamRequest(config=CONFIG.config)
    named.config.request_id = "order-66"
    with collector() as (address, spans):
        variables = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": address}
        with ServerProcess("--tracing", variables=variables) as server:
            with channel_to(server) as channel:
                again = pb.EncodeStreamRequest(config=named.config, resume=pb.ResumePoint())
                Stream(channel, again, metadata=parent).start().finish()
                Stream(channel, pb.EncodeStreamRequest(pcm=FRAME), metadata=parent).error()
            server.signal()
            assert server.wait() == 0
    assert [line["trace_id"] for line in server.calls()] == [TRACE_ID] * 2
    assert {(span.trace_id.hex(), span.parent_span_id.hex()) for span in spans} == {(TRACE_ID, SPAN_ID)}
    attributes = [{each.key: each.value for each in span.attributes} for span in spans]
    assert {span.name for span in spans} == {"audiowriter.v1.AudioWriterService/EncodeStream"}
    assert [each["rpc.grpc.status_code"].int_value for each in attributes] == [
        grpc.StatusCode.OK.value[0],
        grpc.StatusCode.FAILED_PRECONDITION.value[0],
    ]
    assert attributes[0]["audiowriter.format"].string_value == "pcm"
    assert attributes[0]["audiowriter.request_id"].string_value == "order-66"
    assert "audiowriter.request_id" not in attributes[1]
    assert attributes[0]["audiowriter.resumed"].bool_value is True
    assert attributes[1]["audiowriter.reason"].string_value == "CONFIG_MISSING"
