"""Which time counts towards the timeouts of a stream."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core import AudioEncoder
from audiowriter_server.clock import MAX_GAP_S, TICK_S, RunningClock
from audiowriter_server.rpc.watchdog import Activity
from support.server import FRAME, ServerProcess, Stream, channel_to, poll

IDLE = ("ABORTED", "IDLE_TIMEOUT_EXCEEDED", "idle_timeout", "1")
INTERVAL_S = 0.1


@pytest.fixture(scope="module")
def channel() -> Iterator[grpc.Channel]:
    with ServerProcess("--idle-timeout=1", "--min-audio-rate=0.1") as server, channel_to(server) as channel:
        yield channel


@contextmanager
def repeated(stream: Stream, request: pb.EncodeStreamRequest) -> Iterator[None]:
    over = threading.Event()

    def send() -> None:
        while not over.wait(INTERVAL_S):
            stream.send(request)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        over.set()
        sender.join()


@pytest.mark.parametrize(
    "request_",
    [pb.EncodeStreamRequest(), pb.EncodeStreamRequest(flush=pb.Flush()), pb.EncodeStreamRequest(pcm=bytes(2))],
    ids=["empty", "flush", "one_sample"],
)
def test_messages_with_too_little_audio_do_not_keep_a_stream(
    channel: grpc.Channel, request_: pb.EncodeStreamRequest
) -> None:
    stream = Stream(channel).start()
    with repeated(stream, request_):
        error = stream.error()
    assert error.named == IDLE
    assert "less than 0.1 s of audio within 1 s" in error.text


@pytest.mark.parametrize(
    "request_",
    [pb.EncodeStreamRequest(pcm=FRAME), pb.EncodeStreamRequest(pcm=bytes(2), flush=pb.Flush())],
    ids=["slow_audio", "flushed_sample"],
)
def test_a_stream_with_some_audio_lives(channel: grpc.Channel, request_: pb.EncodeStreamRequest) -> None:
    stream = Stream(channel).start()
    with repeated(stream, request_):
        time.sleep(2.5)
    assert stream.finish().file_bytes > 0


def test_activity_is_enough_audio_or_a_flush_of_some() -> None:
    time_s = 0.0
    clock, encoder = RunningClock(lambda: time_s), AudioEncoder(format="wav", sample_rate_hz=8000)
    activity = Activity(clock, encoder, 0.5)

    def since(pcm_seconds: float, *, flush: bool) -> float:
        nonlocal time_s
        time_s += 0.125
        encoder.write(bytes(round(16_000 * pcm_seconds)))
        return activity.since(flush)

    assert since(0, flush=False) == 0
    assert since(0, flush=True) == 0
    assert since(0.3, flush=False) == 0
    assert since(0.2, flush=False) == 4 * 0.125
    assert since(0.1, flush=True) == 5 * 0.125
    assert since(0, flush=True) == 5 * 0.125


def test_clock_leaves_out_gaps_only() -> None:
    time_s = 100.0
    clock = RunningClock(lambda: time_s)
    begin = clock.now()
    for _ in range(10):
        time_s += MAX_GAP_S
        clock.now()
    assert clock.now() - begin == 10 * MAX_GAP_S
    time_s += 3600
    assert clock.now() - begin == 10 * MAX_GAP_S + TICK_S
    assert clock.soon == clock.now() + TICK_S


def test_paused_server_keeps_its_streams_and_its_drain() -> None:
    with (
        ServerProcess("--idle-timeout=4", "--first-message-timeout=4", "--drain-timeout=4") as server,
        channel_to(server) as channel,
    ):
        silent, stream = Stream(channel, None), Stream(channel).start()
        time.sleep(1)
        _pause(server, 6)
        stream.send(pb.EncodeStreamRequest(pcm=bytes(24000)))
        silent.send(pb.EncodeStreamRequest(config=_config(), pcm=FRAME))
        silent.start()
        server.signal()
        server.wait_for_line("draining 2")
        _pause(server, 6)
        assert silent.finish().file_bytes == len(FRAME)
        assert stream.finish().file_bytes == 24000
        assert server.wait() == 0


def _config() -> pb.StreamConfig:
    output = pb.AudioOutput(format=pb.AUDIO_FORMAT_PCM)
    return pb.StreamConfig(input=pb.PcmInput(sample_rate_hz=24000), output=output)


def _pause(server: ServerProcess, seconds: float) -> None:
    server.signal(signal.SIGSTOP)
    poll(lambda: _state(server) == "T", "the server did not stop")
    time.sleep(seconds)
    server.signal(signal.SIGCONT)


def _state(server: ServerProcess) -> str:
    return Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
