"""Just enough HTTP/2 to misbehave in it. RFC 9113; header blocks of literals without indexing, RFC 7541, section 6.2.2."""

import socket
from contextlib import suppress
from struct import pack

from support.server import LIMIT_S

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, RST_STREAM, SETTINGS = 0x1, 0x3, 0x4
END_HEADERS = 0x4
CANCEL, ENHANCE_YOUR_CALM = 0x8, 0xB
FRAME_HEAD = 9


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame. RFC 9113, section 4.1."""
    return pack(">I", len(payload))[1:] + bytes([kind, flags]) + pack(">I", stream) + payload


def open_stream(number: int) -> bytes:
    """The HEADERS of an EncodeStream call."""
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": "/audiowriter.v1.AudioWriterService/EncodeStream",
        ":authority": "localhost",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    return frame(HEADERS, END_HEADERS, number, b"".join(_literal(*field) for field in fields.items()))


def reset(number: int) -> bytes:
    """End a stream. RFC 9113, section 6.4."""
    return frame(RST_STREAM, 0, number, pack(">I", CANCEL))


def _literal(name: str, value: str) -> bytes:
    return bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def connect(target: str) -> socket.socket:
    """A bare connection."""
    host, _, port = target.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=LIMIT_S)


def handshake(connection: socket.socket) -> None:
    """Preface and empty settings."""
    connection.sendall(PREFACE + frame(SETTINGS, 0, 0))


def read_to_end(connection: socket.socket) -> bytes:
    """Read until the other side ends the connection. Raises TimeoutError if it does not within the time limit."""
    received = bytearray()
    with suppress(ConnectionError):
        while data := connection.recv(65536):
            received += data
    return bytes(received)


def refused_streams(received: bytes) -> int:
    """How many streams the peer refused as too many."""
    count = at = 0
    while at + FRAME_HEAD <= len(received):
        length = int.from_bytes(received[at : at + 3])
        body = received[at + FRAME_HEAD : at + FRAME_HEAD + length]
        count += received[at + 3] == RST_STREAM and int.from_bytes(body) == ENHANCE_YOUR_CALM
        at += FRAME_HEAD + length
    return count
