"""Requests that would take much memory: none may bring the server near its limit, and each gets a status that says why."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import grpc
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from grpc_health.v1 import health_pb2, health_pb2_grpc
from support.server import Error, Stream, channel_to, poll
from support.streams import config

from lab.faults.beside import Beside, speech
from lab.faults.http2 import Connection, grpc_status
from lab.faults.watch import MB, Watched

LIMIT_BYTES = 768 * 1024 * 1024
"""Memory of the pods in deploy/kubernetes."""
FLAG = f"--max-memory-bytes={LIMIT_BYTES}"
_UNARY = "/audiowriter.v1.AudioWriterService/Encode"
_LONG = 4_000_000
_LARGEST = config("wav", 8000, 8, sample_format="U8", out_rate=192_000, out_sample_format="F64LE")
"""192 bytes of output per byte of input: the most that the default settings allow."""

_LARGEST_STREAM_BYTES = 10 * MB
"""The server reserves this much: 4 MiB for a message, 5.5 MiB for the encoder and its resampler with 8 channels."""


def large_outputs(server: Watched, tries: int) -> Counter[str]:
    """Send short requests whose files would be much longer."""
    request = pb.EncodeRequest(config=_LARGEST, pcm=bytes(160 * 1024))
    seen = _at_once(server, tries, lambda stub: stub.Encode(request))
    assert set(seen) <= {"MAX_MESSAGE_BYTES_EXCEEDED", "MAX_MEMORY_BYTES_EXCEEDED"}, seen
    return seen


def whole_files(server: Watched, tries: int) -> Counter[str]:
    """Send the longest requests, all at once."""
    request = pb.EncodeRequest(config=config("wav"), pcm=speech(_LONG))
    seen = _at_once(server, tries, lambda stub: stub.Encode(request))
    assert set(seen) <= {"OK", "MAX_MEMORY_BYTES_EXCEEDED"}, seen
    assert seen["OK"]
    return seen


def large_outputs_unread(server: Watched, tries: int) -> Counter[str]:
    """Send the longest messages with the largest output, and read nothing."""
    with Beside(server.target), channel_to(server) as channel:
        streams = [Stream(channel, pb.EncodeStreamRequest(config=_LARGEST)) for _ in range(tries)]
        for stream in streams:
            stream.send(pb.EncodeStreamRequest(pcm=bytes(1024 * 1024)))
        poll(lambda: server.ended("STALLED_READER_TIMEOUT_EXCEEDED") == tries, "unread streams are still live")
        seen = Counter(stream.error().info.reason for stream in streams)
    assert server.grown() / tries < _LARGEST_STREAM_BYTES, f"a stream took {server.grown() / tries / MB:.0f} MB"
    return seen


def unfinished_requests(server: Watched, tries: int) -> Counter[str]:
    """Open Encode calls and send all but the last byte of the longest request."""
    part = (b"\0" + _LONG.to_bytes(4, "big") + bytes(_LONG))[:-1]
    seen: Counter[str] = Counter()
    with Beside(server.target), ExitStack() as stack:
        calls = []
        for _ in range(tries):
            connection = stack.enter_context(Connection(server.target))
            connection.greet()
            connection.receive(1)
            calls.append((connection, connection.open_call(_UNARY)))
        codes = [_send_part(connection, stream, part) for connection, stream in calls]
        for code, (connection, _) in zip(codes, calls, strict=True):
            seen[(code or connection.status(60)).name] += 1
    assert set(seen) <= {"UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED"}, seen
    return _bounded(server, seen)


def long_health_checks(server: Watched, tries: int) -> Counter[str]:
    """Watch services with names of 4 MB. Health checks need no token."""
    request = health_pb2.HealthCheckRequest(service="a" * _LONG)
    seen: Counter[str] = Counter()

    def watch(channel: grpc.Channel) -> str:
        try:
            next(health_pb2_grpc.HealthStub(channel).Watch(request, timeout=60))
        except grpc.RpcError as error:
            return str(error.code().name)
        return "OK"

    with Beside(server.target), ExitStack() as stack, ThreadPoolExecutor(tries) as pool:
        channels = [stack.enter_context(channel_to(server)) for _ in range(tries)]
        seen.update(pool.map(watch, channels))
    assert set(seen) <= {"INVALID_ARGUMENT", "ABORTED"}, seen
    assert server.grown() < tries * 1.2 * MB, f"the server grew by {server.grown() / MB:.0f} MB"
    return seen


def _at_once(server: Watched, tries: int, call: Callable[[AudioWriterServiceStub], Any]) -> Counter[str]:
    def run(channel: grpc.Channel) -> str:
        try:
            call(AudioWriterServiceStub(channel))
        except grpc.RpcError as error:
            return str(Error(error).info.reason or Error(error).code.name)
        return "OK"

    with Beside(server.target), ExitStack() as stack, ThreadPoolExecutor(tries) as pool:
        channels = [stack.enter_context(channel_to(server)) for _ in range(tries)]
        return _bounded(server, Counter(pool.map(run, channels)))


def _send_part(connection: Connection, stream: int, part: bytes) -> grpc.StatusCode | None:
    """Send as much of `part` as flow control allows within about a second; return the status if the call ends meanwhile."""
    at, idle = 0, 0
    while at < len(part) and idle < 10 and not connection.closed:
        size = min(
            connection.protocol.local_flow_control_window(stream), connection.protocol.max_outbound_frame_size, 16384
        )
        if size <= 0:
            idle += 1
            if (code := grpc_status(connection.receive(0.1))) is not None:
                return code
            continue
        connection.protocol.send_data(stream, part[at : at + size])
        at += size
        connection.send()
    return None


def _bounded(server: Watched, seen: Counter[str]) -> Counter[str]:
    most = server.most[0]
    assert most < LIMIT_BYTES, f"the server took {most / MB:.0f} MB of {LIMIT_BYTES / MB:.0f} MB"
    return seen
