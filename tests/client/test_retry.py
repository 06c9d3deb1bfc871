"""A call that one server refuses is sent to another one, and no other call is sent again."""

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1 import audio_writer_pb2_grpc as pb_grpc
from audiowriter_client import (
    AsyncAudioWriter,
    AudioWriter,
    ServiceUnavailable,
    StreamCancelled,
    async_encode,
    encode,
    stream_config,
)
from audiowriter_client import resume as resume_module
from audiowriter_client.resume import MOST_LOSSES
from audiowriter_client.retry import ATTEMPTS
from support.names import Names
from support.server import LIMIT_S, ServerProcess, Stream, channel_to, poll

CONFIG = stream_config(format="pcm", sample_rate_hz=24000)
STREAMS = 20
PCM = bytes(1024 * 1024)
"""More than the buffers in between hold, and more than gRPC keeps for a retry by default."""
IDLE = "--idle-timeout=3600"


@contextmanager
def full_server(*flags: str) -> Iterator[ServerProcess]:
    """Start a server that accepts one stream, and open that stream."""
    with ServerProcess("--max-streams=1", IDLE, *flags) as server, channel_to(server) as channel:
        held = Stream(channel).start()
        yield server
        held.call.cancel()
        held.half_close()


@pytest.fixture(scope="module")
def full() -> Iterator[ServerProcess]:
    with full_server() as server:
        yield server


@pytest.fixture(scope="module")
def empty() -> Iterator[ServerProcess]:
    with ServerProcess() as server:
        yield server


@pytest.fixture(scope="module")
def one_of_two(full: ServerProcess, empty: ServerProcess) -> str:
    return f"{full.target},{empty.target}"


def drop(_: bytes) -> None:
    pass


def write(target: str | grpc.Channel, pcm: bytes = PCM) -> int:
    """Encode one stream and return the number of samples that the server received."""
    with AudioWriter.open(target, CONFIG, drop) as writer:
        writer.write(pcm)
    return writer.result.input_samples


async def async_write(target: str | grpc.aio.Channel, pcm: bytes = PCM) -> int:
    async with AsyncAudioWriter.open(target, CONFIG, drop) as writer:
        await writer.write(pcm)
    return writer.result.input_samples


def refused(server: ServerProcess) -> int:
    return server.ended("MAX_STREAMS_EXCEEDED")


def rounds_until_refused(full: ServerProcess) -> Iterator[int]:
    """Count up until the full server has refused a call.

    gRPC uses a server when it is connected. On a busy machine, all calls of the first round may go to the other server.
    """
    before = refused(full)
    deadline = time.monotonic() + LIMIT_S
    for number in itertools.count():
        if refused(full) > before:
            return
        assert time.monotonic() < deadline, "the full server received no call"
        yield number


def test_streams_reach_the_server_with_room(full: ServerProcess, one_of_two: str) -> None:
    with ThreadPoolExecutor(STREAMS) as pool:
        for _ in rounds_until_refused(full):
            assert list(pool.map(write, [one_of_two] * STREAMS)) == [len(PCM) // 2] * STREAMS


async def test_asyncio_streams_reach_the_server_with_room(full: ServerProcess, one_of_two: str) -> None:
    for _ in rounds_until_refused(full):
        done = await asyncio.gather(*(async_write(one_of_two) for _ in range(STREAMS)))
        assert done == [len(PCM) // 2] * STREAMS


def test_name_with_several_addresses_is_used_in_turn() -> None:
    addresses = ("127.0.0.2", "127.0.0.3")
    with ExitStack() as stack:
        first = stack.enter_context(full_server(f"--host={addresses[0]}"))
        port = first.target.rpartition(":")[2]
        stack.enter_context(ServerProcess(f"--host={addresses[1]}", f"--port={port}"))
        names = stack.enter_context(Names(addresses))
        target = f"dns://{names.target}/servers.test:{port}"
        assert [write(target, b"") for _ in range(STREAMS)] == [0] * STREAMS
        poll(lambda: refused(first), "the full server received no call")


def test_encode_reaches_the_server_with_room(full: ServerProcess, one_of_two: str) -> None:
    with ThreadPoolExecutor(STREAMS) as pool:
        for _ in rounds_until_refused(full):
            files = pool.map(lambda _: encode(one_of_two, CONFIG, PCM), range(STREAMS))
            assert [len(file) for file in files] == [len(PCM)] * STREAMS


async def test_asyncio_encode_reaches_the_server_with_room(full: ServerProcess, one_of_two: str) -> None:
    for _ in rounds_until_refused(full):
        files = await asyncio.gather(*(async_encode(one_of_two, CONFIG, PCM) for _ in range(STREAMS)))
        assert [len(file) for file in files] == [len(PCM)] * STREAMS


def run_async_write(target: str) -> int:
    return asyncio.run(async_write(target))


CALLS: dict[str, Callable[[str], Any]] = {
    "stream": write,
    "asyncio stream": run_async_write,
    "encode": lambda target: encode(target, CONFIG, PCM),
    "asyncio encode": lambda target: asyncio.run(async_encode(target, CONFIG, PCM)),
}


@pytest.mark.parametrize("call", CALLS)
def test_refusal_is_raised_if_all_servers_are_full(full: ServerProcess, call: str) -> None:
    with full_server() as other:
        before = refused(full) + refused(other)
        with pytest.raises(ServiceUnavailable) as caught:
            CALLS[call](f"{full.target},{other.target}")
        poll(lambda: refused(full) + refused(other) >= before + ATTEMPTS, "too few attempts")
        assert refused(full) + refused(other) == before + ATTEMPTS
    assert (caught.value.reason, caught.value.retry_after) == ("MAX_STREAMS_EXCEEDED", 1.0)
    assert caught.value.metadata == {"limit": "max_streams", "value": "1"}


class Scripted(pb_grpc.AudioWriterServiceServicer):
    """Fails every call without details. A stream may get a first response."""

    def __init__(self, code: grpc.StatusCode, text: str, *, starts: bool) -> None:
        self.calls = 0
        self._code, self._text, self._starts = code, text, starts

    def EncodeStream(
        self, request_iterator: object, context: grpc.ServicerContext
    ) -> Iterator[pb.EncodeStreamResponse]:
        self.calls += 1
        if self._starts:
            yield pb.EncodeStreamResponse(started=pb.StreamStarted())
        context.abort(self._code, self._text)

    def Encode(self, request: pb.EncodeRequest, context: grpc.ServicerContext) -> pb.EncodeResponse:
        self.calls += 1
        context.abort(self._code, self._text)


@contextmanager
def serving(scripted: Scripted) -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(4))
    pb_grpc.add_AudioWriterServiceServicer_to_server(scripted, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


@pytest.mark.parametrize(
    ("call", "starts", "calls"),
    [
        ("stream", False, ATTEMPTS),
        ("asyncio stream", False, ATTEMPTS),
        ("stream", True, MOST_LOSSES + 1),
        ("asyncio stream", True, MOST_LOSSES + 1),
        ("encode", False, 1),
        ("asyncio encode", False, 1),
    ],
)
def test_calls_that_may_crash_servers_are_not_sent_to_all_of_them(call: str, starts: bool, calls: int) -> None:
    """A lost connection looks like this. A config may be sent again, because it cannot have crashed the server."""
    scripted = Scripted(grpc.StatusCode.UNAVAILABLE, "Socket closed", starts=starts)
    with serving(scripted) as target, pytest.raises(ServiceUnavailable):
        CALLS[call](target)
    assert scripted.calls == calls


@pytest.mark.parametrize(
    ("starts", "text", "calls"),
    [(False, "CANCELLED", ATTEMPTS), (True, "CANCELLED", MOST_LOSSES + 1), (False, "no more of this", 1)],
)
@pytest.mark.parametrize("call", CALLS)
def test_call_that_its_server_cancels_is_sent_again_if_it_was_not_begun(
    call: str, starts: bool, text: str, calls: int
) -> None:
    """gRPC's server says CANCELLED to calls that arrive after it began to stop. All calls of this one do."""
    scripted = Scripted(grpc.StatusCode.CANCELLED, text, starts=starts)
    with serving(scripted) as target, pytest.raises(StreamCancelled):
        CALLS[call](target)
    assert scripted.calls == (ATTEMPTS if starts and "encode" in call else calls)


@pytest.mark.parametrize(
    "options",
    [
        {"loadBalancingConfig": [{"round_robin": {}}]},
        {
            "loadBalancingConfig": [{"round_robin": {}}],
            "methodConfig": [
                {
                    "name": [{}],
                    "retryPolicy": {
                        "maxAttempts": 5,
                        "initialBackoff": "0.05s",
                        "maxBackoff": "0.2s",
                        "backoffMultiplier": 2,
                        "retryableStatusCodes": ["UNAVAILABLE"],
                    },
                }
            ],
        },
    ],
    ids=["balanced", "retried by gRPC"],
)
async def test_callers_own_channel_loses_no_message(
    full: ServerProcess, empty: ServerProcess, options: dict[str, Any]
) -> None:
    """Retries of gRPC lose messages that are being sent when a call is refused. They must not happen."""
    config = [("grpc.service_config", json.dumps(options))]
    target = f"ipv4:{full.target},{empty.target}"
    with channel_to(target, options=config) as channel, ThreadPoolExecutor(STREAMS) as pool:
        done = [pool.submit(write, channel) for _ in range(STREAMS)]
        assert [one.result() for one in done] == [len(PCM) // 2] * STREAMS
    async with grpc.aio.insecure_channel(target, options=config) as aio_channel:
        counts = await asyncio.gather(*(async_write(aio_channel) for _ in range(STREAMS)))
    assert counts == [len(PCM) // 2] * STREAMS


async def test_more_streams_than_a_new_connection_allows_succeed_later() -> None:
    """gRPC does not wait for the server's settings: the server resets the streams beyond its limit."""
    with ServerProcess("--max-connection-streams=10") as server:
        async with grpc.aio.insecure_channel(server.target, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            counts = await asyncio.gather(*(async_write(channel, bytes(2000)) for _ in range(3 * STREAMS)))
    assert counts == [1000] * (3 * STREAMS)


def test_cancel_stops_the_retries(full: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = threading.Event()

    def waits() -> Iterator[float]:
        waiting.set()
        yield 3600.0

    monkeypatch.setattr(resume_module, "waits", waits)
    writer = AudioWriter.open(full.target, CONFIG, drop)
    assert waiting.wait(LIMIT_S)
    writer.cancel()
    with pytest.raises(StreamCancelled):
        writer.write(PCM)


async def test_asyncio_cancel_stops_the_retries(full: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = asyncio.Event()

    def waits() -> Iterator[float]:
        waiting.set()
        yield 3600.0

    monkeypatch.setattr(resume_module, "waits", waits)
    writer = AsyncAudioWriter.open(full.target, CONFIG, drop)
    await waiting.wait()
    await writer.cancel()
    with pytest.raises(StreamCancelled):
        await writer.write(PCM)
