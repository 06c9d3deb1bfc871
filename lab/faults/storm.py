"""Streams and processes that end while a codec is working: cancellations, drains and Ctrl-C at random moments."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from audiowriter.v1 import audio_writer_pb2 as pb
from support.server import LIMIT_S, ServerProcess, Stream, channel_to, poll
from support.streams import NAMES, config

from lab.faults.beside import RATE, Beside, speech
from lab.faults.watch import Watched

_AT_ONCE = 25
_WORK = 2 * RATE
"""Bytes of PCM in a message: one second, so that every codec works on it in the pool."""
_INPUT_BYTES = 3 * 1024**3
"""Silence after the speech, as a sparse file: WAV encodes 200 MiB in 0.4 s, which is before the last Ctrl-C."""
_RANDOM = random.Random(7)
_COMMAND = str(Path(sys.executable).with_name("audiowriter"))


def cancel_storm(server: Watched, tries: int) -> Counter[str]:
    """Open `tries` streams of every format and cancel each at a random moment, half of them in a message."""
    seen: Counter[str] = Counter()
    with Beside(server.target), channel_to(server) as channel:
        for name in NAMES:
            for _ in range(tries // _AT_ONCE):
                streams = [_busy_stream(channel, name) for _ in range(_AT_ONCE)]
                for stream in streams:
                    time.sleep(_RANDOM.uniform(0, 0.004))
                    stream.call.cancel()
                seen.update(stream.error().code.name for stream in streams)
        poll(lambda: server.live() == 1, "cancelled streams are still live")
    assert set(seen) == {"CANCELLED"}, seen
    _assert_no_traceback(server)
    return seen


def drain_storm(_: Watched, tries: int) -> Counter[str]:
    """Clients cancel, the drain times out and a second signal arrives, all while codecs are working.

    The server must end with its own exit code, and each stream that was not cancelled must receive a reason.
    """
    seen: Counter[str] = Counter()
    names = list(NAMES)
    for number in range(tries):
        twice = number % 2 == 1
        with ServerProcess("--drain-timeout=" + ("30" if twice else "0.05")) as server, channel_to(server) as channel:
            cancelled = [_busy_stream(channel, names[(number + each) % len(names)]) for each in range(12)]
            innocent = [_busy_stream(channel, names[(number + each) % len(names)]) for each in range(6)]
            for stream in (*cancelled, *innocent):
                stream.start()
            for stream in cancelled:
                stream.call.cancel()
            server.signal()
            server.wait_for_line("draining ")
            if twice:
                server.signal()
            for stream in innocent:
                error = stream.error()
                assert error.code is grpc.StatusCode.UNAVAILABLE, f"{error.code}: {error.text}"
                assert error.info.reason, f"a status without a reason: {error.text}"
                seen[error.info.reason] += 1
            for stream in cancelled:
                stream.half_close()
            code = server.wait()
            assert code == 1, f"drain {number}: exit code {code}: {server.log[-3:]}"
            _assert_no_traceback(server)
    return seen


def interrupted_command(server: Watched, tries: int) -> Counter[str]:
    """Ctrl-C, once or twice, at a random moment of `audiowriter encode` for every format: no file, no traceback."""
    source = server.folder / "long.pcm"
    source.write_bytes(speech(200 * 1024 * 1024))
    os.truncate(source, _INPUT_BYTES)
    jobs = [(name, number) for name in NAMES for number in range(tries)]
    with ThreadPoolExecutor(2) as pool:
        return Counter(pool.map(lambda job: _interrupt(server.folder, source, *job), jobs))


def _interrupt(parent: Path, source: Path, name: str, number: int) -> str:
    folder = parent / f"{name}-{number}"
    folder.mkdir()
    output = folder / "interrupted"
    command = [_COMMAND, "encode", str(source), str(output), "--format", name, "--input-rate", str(RATE)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    # An interpreter that is still importing is ended by the signal itself.
    deadline = time.monotonic() + LIMIT_S
    while not any(folder.glob(".audiowriter-*")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    time.sleep(_RANDOM.uniform(0, 0.5))
    for _ in range(1 + number % 2):
        process.send_signal(signal.SIGINT)
        time.sleep(_RANDOM.uniform(0, 0.05))
    _, printed = process.communicate(timeout=LIMIT_S)
    # A second Ctrl-C may arrive after the interpreter has restored the default handlers, and then ends the process.
    assert process.returncode in (130, -signal.SIGINT), f"{name}: exit code {process.returncode}: {printed}"
    assert not printed.strip(), f"{name}: {printed}"
    assert not list(folder.iterdir()), f"{name}: a file was left"
    return "interrupted; no file, no traceback"


def _busy_stream(channel: grpc.Channel, name: str) -> Stream:
    """Open a stream with so much queued PCM that its codec is working when something happens to it."""
    stream = Stream(channel, pb.EncodeStreamRequest(config=config(name, RATE), pcm=speech(_WORK)))
    for _ in range(4):
        stream.send(pb.EncodeStreamRequest(pcm=speech(_WORK)))
    return stream


def _assert_no_traceback(server: ServerProcess) -> None:
    texts = [str(line["message"]) + str(line.get("exception", "")) for line in server.log]
    found = [text for text in texts if "Traceback" in text or "Error" in text or "internal error" in text]
    assert not found, found[:3]
