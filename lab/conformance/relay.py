"""One address in front of several servers, which are ended with SIGKILL at given points of a stream.

A connection goes to the first server that is still there. The relay reads HTTP/2 frames (RFC 9113, section 4.1), so that it
knows how far a stream is, whatever client sends it.
"""

import signal
import socket
import threading
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Self

from support.server import ServerProcess

_HEADER_BYTES = 9
_DATA = 0
_END_STREAM = 1
_PREFIX_BYTES = 5
"""Of a gRPC message: one byte of flags, and the length."""


class Relay:
    """`target`: its address."""

    def __init__(self, servers: Sequence[ServerProcess], lost: Sequence[Mapping[str, int]]) -> None:
        """`lost` says when the servers at its positions are ended; see README.md. Others stay."""
        self._servers, self._lost = servers, lost
        self._losses = 0
        self._lock = threading.Lock()  # held while a server ends
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._sockets: list[socket.socket] = []
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            number = self.losses
            if number == len(self._servers):
                client.close()
                continue
            host, _, port = self._servers[number].target.rpartition(":")
            try:
                server = socket.create_connection((host, int(port)))
            except OSError:
                client.close()
                continue
            self._sockets += [client, server]
            for pump in (_Up(self, number, client, server), _Down(self, number, server, client)):
                thread = threading.Thread(target=pump.run)
                self._threads.append(thread)
                thread.start()

    @property
    def losses(self) -> int:
        """How many servers were ended."""
        with self._lock:
            return self._losses

    def lose(self, number: int, event: str, value: int) -> bool:
        """End this server if the event is the one that it is to be lost at, and return whether it was ended."""
        with self._lock:
            if number != self._losses or number >= len(self._lost) or value < self._lost[number].get(event, value + 1):
                return False
            self._servers[number].signal(signal.SIGKILL)
            self._servers[number].wait()
            self._losses += 1
            return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._sockets:
            _shut(each)
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()


class _Pump(ABC):
    """Passes frames on in one direction until the server is lost or a side closes the connection."""

    _preface_bytes = 0
    """Bytes before the first frame. RFC 9113, section 3.4."""

    def __init__(self, relay: Relay, number: int, source: socket.socket, destination: socket.socket) -> None:
        self._relay, self._number = relay, number
        self._source, self._destination = source, destination

    def run(self) -> None:
        """Pass frames on, and then end both sides."""
        with suppress(EOFError, OSError):
            self._destination.sendall(self._read(self._preface_bytes))
            while self._pass_frame():
                pass
        _shut(self._destination)
        _shut(self._source)

    def _pass_frame(self) -> bool:
        header = self._read(_HEADER_BYTES)
        data = self._read(int.from_bytes(header[:3]))
        is_data = header[3] == _DATA
        if is_data and header[4] & _END_STREAM and self._relay.lose(self._number, "half_close", 1):
            return False  # the server never learns of it, so it cannot finish the file before it is lost
        self._destination.sendall(header + data)
        return not (is_data and self._is_lost_after(int.from_bytes(header[5:9]), data))

    @abstractmethod
    def _is_lost_after(self, stream: int, data: bytes) -> bool:
        """Take the data of a stream; return whether the server was lost after it."""

    def _read(self, count: int) -> bytes:
        read = bytearray()
        while len(read) < count:
            piece = self._source.recv(count - len(read))
            if not piece:
                raise EOFError
            read += piece
        return bytes(read)


class _Up(_Pump):
    """From the client to the server."""

    _preface_bytes = 24
    _received = 0

    def _is_lost_after(self, stream: int, data: bytes) -> bool:
        self._received += len(data)
        return self._relay.lose(self._number, "received", self._received)


class _Down(_Pump):
    """From the server to the client."""

    def __init__(self, relay: Relay, number: int, source: socket.socket, destination: socket.socket) -> None:
        super().__init__(relay, number, source, destination)
        self._rest: defaultdict[int, bytes] = defaultdict(bytes)  # the beginning of a message, per stream
        self._messages = 0

    def _is_lost_after(self, stream: int, data: bytes) -> bool:
        rest = self._rest[stream] + data
        while len(rest) >= _PREFIX_BYTES and len(rest) >= (end := _PREFIX_BYTES + int.from_bytes(rest[1:5])):
            rest = rest[end:]
            self._messages += 1
        self._rest[stream] = rest
        return self._relay.lose(self._number, "sent", self._messages - 1)  # the first one is `started`


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
