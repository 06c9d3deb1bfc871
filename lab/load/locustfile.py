"""Streams as Locust users, with figures for streams instead of requests.

    locust -f lab/load/locustfile.py --host localhost:50051

first byte     ms from the opening of the stream to the first encoded byte
frame to byte  ms from sending the last frame that a chunk includes to the arrival of the chunk
finish         ms from the last frame to the end
stream         ms for the whole stream; its size is the file's

A stream counts as failed unless `finished` is received and matches what was sent and received.
"""
# Locust and gevent are in a separate environment.
# mypy: disable-error-code="import-not-found, import-untyped, misc, untyped-decorator"

import json
import sys
import time
from argparse import ArgumentParser
from bisect import bisect_left
from collections.abc import Iterator
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import Any

import gevent
import grpc
from google.protobuf.json_format import ParseDict
from grpc.experimental import gevent as grpc_gevent
from locust import User, constant, events, task
from locust.env import Environment

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "proto"))
from audiowriter.v1 import audio_writer_pb2 as pb  # noqa: E402
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub  # noqa: E402

SAMPLE_BYTES = 2


@events.init_command_line_parser.add_listener
def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--messages", default=str(ROOT / "build/load/messages.json"), help="output of messages.py")
    parser.add_argument("--frame-ms", type=float, default=20, help="ms between messages; 0: as fast as possible")
    parser.add_argument("--token", default="", help="bearer token")
    parser.add_argument("--tls", action="store_true", help="use TLS and verify the server")


@events.init.add_listener
def _start(environment: Environment, **_: Any) -> None:
    # Not when this file is imported: --processes forks after that, and gRPC does not survive a fork.
    grpc_gevent.init_gevent()
    # gevent did not count the time of the imports, and would subtract it from --run-time.
    gevent.get_hub().loop.update_now()


class Truncated(Exception):
    """The stream ended, but its file is incomplete."""


class StreamUser(User):
    """Runs one stream after the other on its own connection."""

    wait_time = constant(0)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        options: Any = environment.parsed_options
        self._channel = _connect(environment.host or "localhost:50051", options.tls)
        self._stub = AudioWriterServiceStub(self._channel)
        self._metadata = [("authorization", f"Bearer {options.token}")] if options.token else []
        self._interval_s = options.frame_ms / 1000
        self._requests = [
            ParseDict(one, pb.EncodeStreamRequest()) for one in json.loads(Path(options.messages).read_text())
        ]
        self._format = pb.AudioFormat.Name(self._requests[0].config.output.format).removeprefix("AUDIO_FORMAT_")
        self._samples = list(accumulate(len(request.pcm) // SAMPLE_BYTES for request in self._requests))
        """Samples sent up to and including each message; messages.py sends one channel."""

    def on_stop(self) -> None:
        """Close the connection."""
        self._channel.close()

    @task
    def stream(self) -> None:
        """Encode one file and report the figures."""
        begin = time.perf_counter()
        size, error = 0, None
        try:
            size = self._encode(begin)
        except (grpc.RpcError, Truncated) as failed:
            error = failed
        self._tell("stream", begin, size, error)

    def _encode(self, begin: float) -> int:
        sent: list[float] = []
        digest, size, seen = sha256(), 0, 0
        finished = pb.StreamFinished()
        for response in self._stub.EncodeStream(self._paced(begin, sent), metadata=self._metadata):
            event = response.WhichOneof("event")
            if event == "chunk":
                if size == 0:
                    self._tell("first byte", begin)
                if response.chunk.input_samples > seen:
                    seen = response.chunk.input_samples
                    self._tell("frame to byte", sent[bisect_left(self._samples, seen)])
                digest.update(response.chunk.data)
                size += len(response.chunk.data)
            elif event == "finished":
                finished = response.finished
                self._tell("finish", sent[-1])
        digest.update(finished.trailer)
        size += len(finished.trailer)
        totals = finished.totals
        if totals.sent_sha256 != digest.digest() or totals.file_bytes != size:
            raise Truncated(f"received {size} bytes, file_bytes={totals.file_bytes}")
        if totals.input_samples != self._samples[-1]:
            raise Truncated(f"sent {self._samples[-1]} samples, input_samples={totals.input_samples}")
        return size

    def _paced(self, begin: float, sent: list[float]) -> Iterator[pb.EncodeStreamRequest]:
        for number, request in enumerate(self._requests):
            # By the clock, not by pauses, whose errors would add up.
            gevent.sleep(max(0.0, begin + number * self._interval_s - time.perf_counter()))
            sent.append(time.perf_counter())
            yield request

    def _tell(self, what: str, since: float, size: int = 0, error: Exception | None = None) -> None:
        self.environment.events.request.fire(
            request_type=self._format,
            name=what,
            response_time=(time.perf_counter() - since) * 1000,
            response_length=size,
            exception=error,
        )


def _connect(host: str, tls: bool) -> grpc.Channel:
    # A separate connection: grpc shares one between channels with the same target and options.
    options = [("grpc.use_local_subchannel_pool", 1)]
    if tls:
        return grpc.secure_channel(host, grpc.ssl_channel_credentials(), options)
    return grpc.insecure_channel(host, options)
