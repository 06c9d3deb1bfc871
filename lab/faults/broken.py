"""Connections that send invalid data: they are closed or ignored, and no call is accepted."""

import random
from collections import Counter
from struct import pack

from support.server import CONFIG, LIMIT_S

from lab.faults.beside import Beside
from lab.faults.http2 import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    HEADERS,
    PADDED,
    PING,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Connection,
    frame,
    message,
)  # fmt: skip
from lab.faults.watch import MB, Watched

_NOISE = random.Random(1).randbytes(100_000)

_OTHER_PROTOCOLS = {
    "noise": _NOISE[:4096],
    "HTTP/1.1": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "TLS": bytes.fromhex("16030102000100") + _NOISE[:512],
    "HTTP/2 before the preface": frame(SETTINGS, 0),
}
"""Sent instead of the connection preface."""

_FRAMES = {
    "noise": _NOISE[:4096],
    "a frame longer than allowed": frame(DATA, 1, _NOISE, length=2**24 - 1),
    "a frame of 64 KiB": frame(DATA, 1, _NOISE[: 2**16]),
    "DATA without a stream": frame(DATA, 0, b"data"),
    "DATA of an unknown stream": frame(DATA, 1, b"data"),
    "HEADERS without a stream": frame(HEADERS, 0, b"\x82", flags=END_HEADERS),
    "HEADERS of an even stream": frame(HEADERS, 2, b"\x82", flags=END_HEADERS),
    "HEADERS that are invalid HPACK": frame(HEADERS, 1, b"\xff" * 100, flags=END_HEADERS),
    "HEADERS with padding longer than the frame": frame(HEADERS, 1, b"\xff\x82", flags=END_HEADERS | PADDED),
    "HEADERS without a path": frame(HEADERS, 1, b"\x83\x86", flags=END_HEADERS),
    "HEADERS interrupted by another frame": frame(HEADERS, 1, b"\x82") + frame(PING, 0, bytes(8)),
    "CONTINUATION without HEADERS": frame(CONTINUATION, 1, b"\x82"),
    "SETTINGS of five bytes": frame(SETTINGS, 0, bytes(5)),
    "SETTINGS of a stream": frame(SETTINGS, 1, bytes(6)),
    "SETTINGS with too large a window": frame(SETTINGS, 0, pack(">HI", 4, 2**32 - 1)),
    "SETTINGS with too small a frame size": frame(SETTINGS, 0, pack(">HI", 5, 1)),
    "PING of seven bytes": frame(PING, 0, bytes(7)),
    "PUSH_PROMISE": frame(PUSH_PROMISE, 1, pack(">I", 2) + b"\x82", flags=END_HEADERS),
    "RST_STREAM without a stream": frame(RST_STREAM, 0, bytes(4)),
    "WINDOW_UPDATE beyond the maximum": 2 * frame(WINDOW_UPDATE, 0, pack(">I", 2**31 - 1)),
    "a frame of an unknown type": frame(0xEE, 1, b"data"),
}
"""Sent after the connection preface."""

_MESSAGES = (
    b"\0\xff\xff\xff\xff" + _NOISE[:1000],  # claims 4 GiB
    b"\1" + message(CONFIG)[1:],  # claims to be compressed
    b"\7" + message(CONFIG)[1:],  # an unknown flag
    message(CONFIG)[:9],  # half of a message
)
"""Sent in the DATA of a call."""

_FLOODS = {
    "PING": 20_000 * frame(PING, 0, bytes(8)),
    "SETTINGS": 20_000 * frame(SETTINGS, 0),
    "CONTINUATION": frame(HEADERS, 1, b"\x82") + 1000 * frame(CONTINUATION, 1, bytes(2**14)),
    "empty DATA": 20_000 * frame(DATA, 1),
}


_CASES = [*((False, data) for data in _OTHER_PROTOCOLS.values()), *((True, data) for data in _FRAMES.values())]


def broken_http2(server: Watched, tries: int) -> Counter[str]:
    """Send other protocols, and every frame type made invalid in some way."""
    seen: Counter[str] = Counter()
    with Beside(server.target):
        for number in range(tries):
            greets, data = _CASES[number % len(_CASES)]
            with Connection(server.target) as connection:
                if greets:
                    connection.greet()
                seen["ignored" if connection.outlives(data) else "closed"] += 1
        assert server.metrics.total("grpc_server_started_total") == 1, "a call was accepted"
    return seen


def broken_messages(server: Watched, tries: int) -> Counter[str]:
    """Send valid HTTP/2 that contains invalid gRPC messages."""
    seen: Counter[str] = Counter()
    with Beside(server.target):
        for number in range(tries):
            with Connection(server.target) as connection:
                connection.greet()
                connection.protocol.send_data(stream := connection.open_call(), _MESSAGES[number % len(_MESSAGES)])
                connection.protocol.end_stream(stream)
                connection.send()
                seen[connection.status(LIMIT_S).name] += 1
    assert "OK" not in seen, seen
    return seen


def floods(server: Watched, tries: int) -> Counter[str]:
    """Send frames that cost the sender nothing, ten thousands of them, and headers without end."""
    seen: Counter[str] = Counter()
    for number in range(tries):
        name, data = list(_FLOODS.items())[number % len(_FLOODS)]
        with Beside(server.target), Connection(server.target) as connection:
            connection.greet()
            seen[f"{name}: {'accepted' if connection.outlives(data) else 'closed'}"] += 1
    assert server.grown() < 32 * MB, f"grew by {server.grown() / MB:.0f} MB"
    return seen
