"""Connections that become idle, very slow or very fast. None may occupy resources for long or harm a stream."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_client import AudioWriter, AudioWriterError
from support.server import CONFIG, FRAME, poll

from lab.faults.beside import Beside
from lab.faults.http2 import CANCEL, PREFACE, Connection, grpc_status, message
from lab.faults.relay import Relay
from lab.faults.watch import MB, Watched

KEEPALIVE_S = 60 + 20
"""The server's keepalive: ping after a minute, and the time that it waits for the answer."""
SLACK_S = 15


def half_open(server: Watched, tries: int) -> Counter[str]:
    """The network drops everything from one moment on: keepalive must detect this on both sides."""
    seen: Counter[str] = Counter()
    with ExitStack() as stack:
        relays = [stack.enter_context(Relay(server.target)) for _ in range(tries)]
        writers = [AudioWriter.open(relay.target, CONFIG.config, lambda _: None, resume_timeout=0) for relay in relays]
        for writer in writers:
            writer.write(FRAME)
            assert writer.started.mime_type
        poll(lambda: server.live() == tries, "not all streams are live")
        begin = time.monotonic()
        for relay in relays:
            relay.swallows = True
        while server.live() and time.monotonic() - begin < KEEPALIVE_S + SLACK_S:
            time.sleep(0.5)
        lived = time.monotonic() - begin
        assert server.live() == 0, f"half-open streams are still live after {lived:.0f} s"
        for writer in writers:
            try:
                writer.close()
            except AudioWriterError as error:
                seen[str(error).partition(":")[0]] += 1
    assert seen == {"UNAVAILABLE": tries}
    assert Counter(line["code"] for line in server.calls()) == {"CANCELLED": tries}
    return Counter({"UNAVAILABLE": tries, f"server ended them after {lived:.0f} s": 1})


def slow_loris(server: Watched, tries: int) -> Counter[str]:
    """Send one byte every half second: of the preface, of a call's headers, of its first and of its second message."""
    seen: Counter[str] = Counter()
    stages = (_silent, _greeting, _headers, _first_message, _second_message)
    with Beside(server.target), ExitStack() as stack:
        open_ones = []
        for number in range(tries):
            stage = stages[number % len(stages)]
            connection = stack.enter_context(Connection(server.target))
            open_ones.append((stage.__name__.strip("_").replace("_", " "), connection, stage(connection)))
        deadline = time.monotonic() + 60
        while open_ones and time.monotonic() < deadline:
            time.sleep(0.5)
            left = []
            for name, connection, rest in open_ones:
                connection.send(next(rest, b""))
                code = grpc_status(connection.receive())
                if code or connection.closed:
                    seen[f"{name}: {code.name if code else 'closed'}"] += 1
                else:
                    left.append((name, connection, rest))
            open_ones = left
        assert not open_ones, Counter(name for name, *_ in open_ones)
    return seen


def _open_calls(server: Watched) -> float:
    read = server.metrics.read()
    signs = {"grpc_server_started_total": 1, "grpc_server_handled_total": -1}
    return sum(signs.get(key[0], 0) * value for key, value in read.items())


def _dribble(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 1] for at in range(len(data)))


def _silent(connection: Connection) -> Iterator[bytes]:
    return iter(())


def _greeting(connection: Connection) -> Iterator[bytes]:
    return _dribble(PREFACE)


def _headers(connection: Connection) -> Iterator[bytes]:
    connection.greet()
    connection.open_call()
    return _dribble(connection.queued())


def _first_message(connection: Connection) -> Iterator[bytes]:
    connection.greet()
    return _dribbled_message(connection, connection.open_call())


def _second_message(connection: Connection) -> Iterator[bytes]:
    connection.greet()
    stream = connection.open_call()
    connection.protocol.send_data(stream, message(CONFIG))
    return _dribbled_message(connection, stream)


def _dribbled_message(connection: Connection, stream: int) -> Iterator[bytes]:
    """Send DATA frames of one byte each."""
    connection.send()
    for byte in _dribble(message(pb.EncodeStreamRequest(config=CONFIG.config, pcm=FRAME))):
        connection.protocol.send_data(stream, byte)
        yield connection.queued()


def reset_flood(server: Watched, tries: int) -> Counter[str]:
    """Open and reset calls as fast as the server reads; every second call contains a config."""
    seen: Counter[str] = Counter()
    first, done = message(CONFIG), 0
    with Beside(server.target):
        while done < tries:
            with Connection(server.target) as connection:
                connection.greet()
                while done < tries and not connection.closed:
                    for _ in range(50):
                        stream = connection.open_call()
                        if done % 2:
                            connection.protocol.send_data(stream, first)
                        connection.protocol.reset_stream(stream, CANCEL)
                        done += 1
                    connection.send()
                    # Reads window updates, and detects whether the server has closed the connection.
                    connection.receive()
                seen["connections closed" if connection.closed else "connections kept open"] += 1
        poll(lambda: server.live() == 1, "reset streams are still live")
        poll(lambda: _open_calls(server) == 1, "reset calls have not ended")
        seen["accepted calls"] = len(server.calls())
        assert server.grown() < 32 * MB, f"grew by {server.grown() / MB:.0f} MB"
    return seen
