"""HTTP/2 frames by hand, for tests that no gRPC library can send. RFC 9113."""

import socket
import time
from collections.abc import Iterable
from struct import pack
from typing import Self

import grpc
from audiowriter.v1 import audio_writer_pb2 as pb
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, Event, ResponseReceived, StreamReset, TrailersReceived
from h2.exceptions import ProtocolError
from support.server import LIMIT_S

DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
ACK, END_STREAM, END_HEADERS, PADDED = 0x1, 0x1, 0x4, 0x8
CANCEL = 0x8

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
METHOD = "/audiowriter.v1.AudioWriterService/EncodeStream"
_STATUS = {code.value[0]: code for code in grpc.StatusCode}


def frame(kind: int, stream: int, payload: bytes = b"", *, flags: int = 0, length: int | None = None) -> bytes:
    """Return a frame; `length`: the length in its header, by default the true one. Section 4.1."""
    return pack(">I", len(payload) if length is None else length)[1:] + pack(">BBI", kind, flags, stream) + payload


def message(request: pb.EncodeStreamRequest) -> bytes:
    """Return a message in gRPC's framing for DATA: not compressed, length, bytes."""
    data = request.SerializeToString()
    return b"\0" + len(data).to_bytes(4, "big") + data


class Connection:
    """A bare connection. Data of `protocol` is sent by `send`, or returned by `queued` for other use."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=LIMIT_S)
        self.protocol = H2Connection(H2Configuration(client_side=True))
        self.closed = False

    def greet(self) -> None:
        """Send preface and settings."""
        self.protocol.initiate_connection()
        self.send()

    def open_call(self, method: str = METHOD) -> int:
        """Queue the headers of a call and return its stream."""
        stream = self.protocol.get_next_available_stream_id()
        fields = {
            ":method": "POST",
            ":scheme": "http",
            ":path": method,
            ":authority": "localhost",
            "te": "trailers",
            "content-type": "application/grpc",
        }
        self.protocol.send_headers(stream, list(fields.items()))
        return stream

    def queued(self) -> bytes:
        return self.protocol.data_to_send()

    def send(self, data: bytes | None = None) -> None:
        """Send `data`, or the queued data. Does nothing after the other side has closed the connection."""
        try:
            self.socket.sendall(self.queued() if data is None else data)
        except ConnectionError:
            self.closed = True

    def receive(self, seconds: float = 0) -> list[Event]:
        """Return the events that arrive within `seconds`."""
        data = self._read(seconds)
        try:
            return self.protocol.receive_data(data)
        except ProtocolError:
            self.closed = True
            return []

    def outlives(self, data: bytes) -> bool:
        """Send `data` and a PING. Return True if the other side answers the PING, False if it closes the connection."""
        self.send(data)
        self.send(frame(PING, 0, b"audience"))
        answer, tail, deadline = frame(PING, 0, b"audience", flags=ACK), b"", time.monotonic() + LIMIT_S
        while not self.closed:
            assert time.monotonic() < deadline, "neither answered nor closed"
            read = tail + self._read(LIMIT_S)
            if answer in read:
                return True
            tail = read[-len(answer) :]
        return False

    def status(self, seconds: float) -> grpc.StatusCode:
        """Return how the server ended the call, by trailers or a reset."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            events = self.receive(left)
            self.send()
            if (code := grpc_status(events)) is not None:
                return code
        raise AssertionError("the call did not end")

    def _read(self, seconds: float) -> bytes:
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(65536)
        except (TimeoutError, BlockingIOError):
            return b""
        except ConnectionError:
            data = b""
        finally:
            self.socket.settimeout(LIMIT_S)
        self.closed = self.closed or not data
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def grpc_status(events: Iterable[Event]) -> grpc.StatusCode | None:
    """Return how the call ended according to these events; None if it did not."""
    for event in events:
        if isinstance(event, StreamReset | ConnectionTerminated):
            return grpc.StatusCode.UNAVAILABLE
        if isinstance(event, ResponseReceived | TrailersReceived):
            fields = dict(event.headers)
            if (number := fields.get(b"grpc-status")) is not None:
                return _STATUS[int(number)]
    return None
