"""Clients that hold places and connections, and servers that are stopped for a while."""

import os
import signal
import socket
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_server.telemetry.endpoint import MAX_CONNECTIONS
from support.server import FRAME, LIMIT_S, Stream, channel_to, poll

from lab.faults.beside import Beside
from lab.faults.watch import Setting, Watched

_GREEDY, _OTHER = (("authorization", f"Bearer {name}") for name in ("greedy", "other"))
_PLACES = 40
_STOPPED_S = 4.0
_REPLACED_S = 10.0
"""A hang is noticed after 3 s. The rest is the start of a process on a busy machine."""


def with_tokens(folder: Path) -> Setting:
    """Start a server with two callers, of which each may have a quarter of the places."""
    path = folder / "tokens"
    path.write_text("greedy\nother\n")
    return Setting((f"--token-file={path}", f"--max-streams={_PLACES}", "--idle-timeout=3"))


def greedy_caller(server: Watched, tries: int) -> Counter[str]:
    """One caller opens as many streams as it can and keeps them with empty messages; another caller still gets in."""
    seen: Counter[str] = Counter()
    with ExitStack() as stack:
        streams = []
        for number in range(tries):
            if number % 20 == 0:
                channel = stack.enter_context(channel_to(server))
            streams.append(Stream(channel, metadata=[_GREEDY]))
        with Beside(server.target, metadata=[_OTHER]):
            poll(lambda: server.ended("MAX_CALLER_STREAMS_EXCEEDED") == tries - _PLACES // 4, "too many places")
            deadline = time.monotonic() + LIMIT_S
            while server.ended("IDLE_TIMEOUT_EXCEEDED") < _PLACES // 4:
                assert time.monotonic() < deadline, "empty messages keep streams"
                for stream in streams:
                    stream.send(pb.EncodeStreamRequest())
                time.sleep(0.2)
            seen.update(stream.error().info.reason for stream in streams)
    assert seen == {"MAX_CALLER_STREAMS_EXCEEDED": tries - _PLACES // 4, "IDLE_TIMEOUT_EXCEEDED": _PLACES // 4}, seen
    return seen


def paused_server(server: Watched, tries: int) -> Counter[str]:
    """SIGSTOP for longer than all timeouts of a stream: no stream ends, because the clients kept writing."""
    with Beside(server.target), channel_to(server) as channel:
        stream = Stream(channel).start()
        for _ in range(tries):
            server.signal(signal.SIGSTOP)
            time.sleep(_STOPPED_S)
            server.signal(signal.SIGCONT)
            stream.send(pb.EncodeStreamRequest(pcm=FRAME, flush=pb.Flush()))
            time.sleep(0.5)
        assert stream.finish().file_bytes == tries * len(FRAME)
    return Counter({"continued": tries})


def hung_worker(server: Watched, tries: int) -> Counter[str]:
    """SIGSTOP one of two workers: it is replaced, and the streams of the other go on."""
    slowest, pid = 0.0, server.pids()[0]
    with Beside(server.targets[1]):
        for _ in range(tries):
            begin = time.monotonic()
            os.kill(pid, signal.SIGSTOP)
            line = server.wait_for_line("listening on ")
            slowest = max(slowest, time.monotonic() - begin)
            pid = line["pid"]
            with channel_to(str(line["message"]).rpartition(" ")[2]) as channel:
                Stream(channel).start().finish()
    assert slowest < _REPLACED_S, f"replaced after {slowest:.1f} s"
    return Counter({"replaced": tries, f"after {slowest:.1f} s at most": 1})


def silent_scrapers(server: Watched, tries: int) -> Counter[str]:
    """Connections to the metrics endpoint that never send a request: no thread each, and Prometheus still gets an answer."""
    threads = server.thread_count()
    with Beside(server.target), ExitStack() as stack:
        for _ in range(tries):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.metrics.port), timeout=LIMIT_S))
        assert server.live() == 1
        grown = server.thread_count() - threads
    assert grown < MAX_CONNECTIONS, f"{grown} more threads"
    return Counter({"answered beside them": 1})
