"""Send streams as fast as the server reads them, with little CPU time: `python -m lab.search.load TARGET TOKEN`.

A gRPC client takes about as much CPU time per message as the server, and would share the cores with it. This one sends DATA
frames of messages that were built once, and skips what it receives. It reads a case from a line of stdin, and prints a line
when all streams of the case are open. When it has read the next line, it ends the case and prints what happened.
"""

import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from json import dumps
from struct import pack, unpack

from audiowriter.v1 import audio_writer_pb2 as pb
from hpack import Decoder

from lab.faults.http2 import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    METHOD,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
    message,
)
from lab.fuzz.options import as_config
from lab.search.case import Case

_FRAME_BYTES = 16_384
_QUEUE_BYTES = 128 * 1024
_INITIAL_WINDOW_SIZE = 4
_WINDOW = 2**30
_RENEW_BYTES = 2**28


@dataclass
class Body:
    """The DATA of a stream: its first message, then others."""

    first: bytes
    others: bytes
    """Whole messages, repeated."""
    length: int | None
    """Bytes until the end of the stream; None: it has no end."""

    @classmethod
    def of(cls, case: Case) -> "Body":
        flush = pb.Flush() if case.flush else None
        first = message(pb.EncodeStreamRequest(config=as_config(case.options)))
        one = message(pb.EncodeStreamRequest(pcm=case.pcm(), flush=flush))
        length = len(first) + case.messages * len(one) if case.messages else None
        return cls(first, one * (1 + _QUEUE_BYTES // len(one)), length)

    def part(self, at: int, size: int) -> bytes:
        """Return at most `size` bytes from position `at`. b"": the stream has ended."""
        if self.length is not None:
            size = min(size, self.length - at)
        if at < len(self.first):
            return self.first[at : at + size]
        start = (at - len(self.first)) % len(self.others)
        return self.others[start : start + size]


@dataclass
class Client:
    """One connection, which always has one stream open."""

    socket: socket.socket
    body: Body
    headers: bytes
    ended: Counter[str]
    sent: int = 0
    received: int = 0
    _stream: int = -1
    _at: int = 0
    _half_closed: bool = False
    _window: int = 65_535
    _stream_window: int = 65_535
    _initial_window: int = 65_535
    _since_renewal: int = 0
    _queue: bytearray = field(default_factory=bytearray)
    _read: bytearray = field(default_factory=bytearray)
    _skip: int = 0
    _decoder: Decoder = field(default_factory=Decoder)
    started: bool = False

    def __post_init__(self) -> None:
        self._queue += PREFACE + frame(SETTINGS, 0, pack(">HI", _INITIAL_WINDOW_SIZE, _WINDOW))
        self._queue += frame(WINDOW_UPDATE, 0, pack(">I", _WINDOW))
        self._open()

    @property
    def wants_to_send(self) -> bool:
        return bool(self._queue)

    def send(self) -> None:
        """Send as much as the socket and flow control allow."""
        self._fill()
        while self._queue:
            try:
                del self._queue[: self.socket.send(self._queue)]
            except BlockingIOError:
                return
            self._fill()

    def receive(self) -> None:
        """Read what has arrived. Raises ConnectionError when the server has closed the connection."""
        try:
            data = self.socket.recv(256 * 1024)
        except BlockingIOError:
            return
        if not data:
            raise ConnectionError("closed by the server")
        self.received += len(data)
        self._since_renewal += len(data)
        for kind, flags, stream, payload in self._frames(data):
            self._take(kind, flags, stream, payload)
        if self._since_renewal > _RENEW_BYTES:
            self._queue += frame(WINDOW_UPDATE, 0, pack(">I", self._since_renewal))
            self._queue += frame(WINDOW_UPDATE, self._stream, pack(">I", self._since_renewal))
            self._since_renewal = 0

    def _open(self) -> None:
        self._stream += 2
        self._at, self._half_closed = 0, False
        self._stream_window = self._initial_window
        self._queue += frame(HEADERS, self._stream, self.headers, flags=END_HEADERS)

    def _fill(self) -> None:
        while not self._half_closed and len(self._queue) < _QUEUE_BYTES:
            size = min(self._window, self._stream_window, _FRAME_BYTES)
            if size <= 0:
                return
            part = self.body.part(self._at, size)
            if not part:
                self._half_closed = True
            self._queue += frame(DATA, self._stream, part, flags=0 if part else END_STREAM)
            self._at += len(part)
            self.sent += len(part)
            self._window -= len(part)
            self._stream_window -= len(part)

    def _frames(self, data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
        """Yield all frames but DATA, whose bytes are skipped."""
        if self._skip >= len(data):
            self._skip -= len(data)
            return
        read = self._read + data[self._skip :] if self._read else memoryview(data)[self._skip :]
        self._skip = 0
        at = 0
        while len(read) - at >= 9:
            size, (kind, flags, stream) = int.from_bytes(read[at : at + 3]), unpack(">BBI", read[at + 3 : at + 9])
            at += 9
            if kind == DATA:
                at += size
                continue
            if len(read) - at < size:
                at -= 9
                break
            yield kind, flags, stream, bytes(read[at : at + size])
            at += size
        self._skip = max(0, at - len(read))
        self._read = bytearray(read[at:])

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == WINDOW_UPDATE:
            more = int.from_bytes(payload)
            if stream == 0:
                self._window += more
            elif stream == self._stream:
                self._stream_window += more
        elif kind == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                name, value = unpack(">HI", payload[at : at + 6])
                if name == _INITIAL_WINDOW_SIZE:
                    self._stream_window += value - self._initial_window
                    self._initial_window = value
            self._queue += frame(SETTINGS, 0, flags=ACK)
        elif kind == PING and not flags & ACK:
            self._queue += frame(PING, 0, payload, flags=ACK)
        elif kind == HEADERS:
            self.started = True
            fields = dict(self._decoder.decode(payload, raw=True))
            if flags & END_STREAM:
                status, text = (fields.get(name, b"").decode() for name in (b"grpc-status", b"grpc-message"))
                self.ended[f"status {status} {text}".strip()[:200]] += 1
                self._open()
        elif kind == GOAWAY:
            self.ended["GOAWAY"] += 1
        elif kind == RST_STREAM and stream == self._stream:
            self.ended["reset"] += 1
            self._open()


class Load:
    """The clients of one case."""

    def __init__(self, target: str, token: str, case: Case) -> None:
        self.ended: Counter[str] = Counter()
        body, headers = Body.of(case), _headers(token)
        host, _, port = target.rpartition(":")
        self.clients = []
        for _ in range(case.streams):
            connection = socket.create_connection((host, int(port)))
            connection.setblocking(False)
            self.clients.append(Client(connection, body, headers, self.ended))

    def step(self) -> None:
        """Wait until a connection is ready, and let it send and receive."""
        by_socket = {client.socket: client for client in self.clients}
        writers = [client.socket for client in self.clients if client.wants_to_send]
        readable, writable, _ = select.select(list(by_socket), writers, [], 0.1)
        for each in {*readable, *writable}:
            client = by_socket[each]
            try:
                if each in readable:
                    client.receive()
                client.send()
            except ConnectionError as error:
                self.ended[str(error)] += 1
                self.clients.remove(client)

    def close(self) -> None:
        for client in self.clients:
            client.socket.close()


def _headers(token: str) -> bytes:
    """Return literal fields that are not indexed, so that no table has to be kept. RFC 7541, section 6.2.2."""
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": METHOD,
        ":authority": "localhost",
        "te": "trailers",
        "content-type": "application/grpc",
        "authorization": f"Bearer {token}",
    }
    texts = (text.encode() for pair in fields.items() for text in pair)
    parts = [bytes([len(text)]) + text for text in texts]
    return b"".join(b"\0" + name + value for name, value in zip(parts[::2], parts[1::2], strict=True))


def main() -> None:
    """Run the cases."""
    target, token = sys.argv[1:]
    line = sys.stdin.readline()
    while line:
        load = Load(target, token, Case.from_json(line))
        opened = False
        begin, cpu = time.monotonic(), time.process_time()
        while not select.select([sys.stdin], [], [], 0)[0]:
            load.step()
            if not opened and all(client.started for client in load.clients):
                print("open", flush=True)
                opened = True
        load.close()
        figures = {
            "sent": sum(client.sent for client in load.clients),
            "received": sum(client.received for client in load.clients),
            "ended": dict(load.ended),
            "cores": (time.process_time() - cpu) / (time.monotonic() - begin),
        }
        sys.stdin.readline()  # an empty line, which ends the case
        print(dumps(figures), flush=True)
        line = sys.stdin.readline()


if __name__ == "__main__":
    main()
