"""Faults of connections."""

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

from support.server import ServerProcess, Stream, channel_to, poll

from faults.http2 import PREFACE, connect, handshake, open_stream, read_to_end, refused_streams, reset


def half_open(server: ServerProcess, tries: int) -> Counter[str]:
    """The network swallows everything from one moment on; neither side hears of it."""
    with ExitStack() as stack:
        streams = []
        for _ in range(tries):
            relay = stack.enter_context(_relay(server.target))
            channel = stack.enter_context(channel_to(relay.target))
            streams.append(Stream(channel, timeout=8).start())
            relay.swallows = True
        poll(lambda: server.ended("IDLE_TIMEOUT_EXCEEDED") >= tries, "half-open streams live on")
        return Counter(stream.error().code.name for stream in streams)


def slow_loris(server: ServerProcess, tries: int) -> Counter[str]:
    """Connections that send a byte a second of what should be a greeting, until the server has had enough."""
    connections = [connect(server.target) for _ in range(tries)]
    with channel_to(server) as channel:
        stream = Stream(channel).start()
        for byte in PREFACE[:3]:
            for connection in connections:
                connection.sendall(bytes([byte]))
            time.sleep(0.5)
        assert stream.finish().total_bytes == 0, "others were held up"
    for connection in connections:
        connection.settimeout(30)
        read_to_end(connection)
        connection.close()
    return Counter({"closed": tries})


def silent_streams(server: ServerProcess, tries: int) -> Counter[str]:
    """Streams that never send a message."""
    with channel_to(server) as channel:
        streams = [Stream(channel, None) for _ in range(tries)]
        seen = Counter(stream.error().info.reason for stream in streams)
    assert set(seen) == {"FIRST_MESSAGE_TIMEOUT_EXCEEDED"}
    return seen


def reset_flood(server: ServerProcess, tries: int) -> Counter[str]:
    """Streams opened and reset at once on one connection, as fast as the server reads."""
    with connect(server.target) as connection, ThreadPoolExecutor(1) as reader:
        handshake(connection)
        received = reader.submit(read_to_end, connection)
        with suppress(ConnectionError):  # to be thrown out is an answer, too
            for number in range(1, 2 * tries, 2):
                connection.sendall(open_stream(number) + reset(number))
        with channel_to(server) as channel:
            assert Stream(channel).start().finish().total_bytes == 0, "others were held up"
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        refused = refused_streams(received.result())
    assert refused > tries / 2, "the flood came through"
    return Counter({"refused": refused, "taken": tries - refused})


def broken_http2(server: ServerProcess, tries: int) -> Counter[str]:
    """Noise in place of the greeting, and after a good one."""
    noise = random.Random(1)
    for number in range(tries):
        with connect(server.target) as connection:
            with suppress(ConnectionError):
                if number % 2:
                    handshake(connection)
                connection.sendall(noise.randbytes(4096))
                # The frame that the noise announces may be longer than the noise.
                connection.shutdown(socket.SHUT_WR)
            read_to_end(connection)
    return Counter({"closed": tries})


class _Relay:
    """A TCP connection through the middle of nowhere."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.swallows = False
        self._sockets = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        try:
            while True:
                near, _ = self._listener.accept()
                far = connect(self._target)
                self._sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    source.settimeout(None)
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()
        except OSError:
            return  # closed

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if not self.swallows:
                    sink.sendall(data)
        except OSError:
            return  # closed

    def close(self) -> None:
        for each in self._sockets:
            each.close()


@contextmanager
def _relay(target: str) -> Iterator[_Relay]:
    relay = _Relay(target)
    try:
        yield relay
    finally:
        relay.close()
