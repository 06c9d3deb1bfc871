"""encode_iter and async_encode_iter: an iterable of PCM in, an iterator of bytes out."""

import asyncio
import gc
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from itertools import count, repeat

import numpy as np
import pytest
from audiowriter_client import (
    StreamCancelled,
    async_encode_iter,
    encode,
    encode_iter,
    stream_config,
)
from numpy.typing import NDArray
from support.server import LIMIT_S, ServerProcess, poll

WAV = stream_config(format="wav", sample_rate_hz=24000)
PCM = stream_config(format="pcm", sample_rate_hz=24000)
WRONG = stream_config(format="mp3", sample_rate_hz=44101)
BLOCK = bytes(4800)


@pytest.fixture
def own() -> Iterator[ServerProcess]:
    with ServerProcess() as server:
        yield server


def cancelled(server: ServerProcess) -> None:
    """Wait until the server has logged its only call as cancelled."""
    poll(server.calls, "the call has not ended")
    assert [call["code"] for call in server.calls()] == ["CANCELLED"]


async def async_cancelled(server: ServerProcess) -> None:
    await asyncio.to_thread(cancelled, server)


class Failed(Exception):
    """An error of the caller's own iterable."""


def stored(live: bytes, header: bytes) -> bytes:
    """Return the file as it is stored, with its final header."""
    return header + live[len(header) :]


@pytest.mark.parametrize("name", ["wav", "flac", "mp3", "aac", "pcm"])
def test_bytes_and_header_are_the_file(target: str, samples: NDArray[np.int16], name: str) -> None:
    config = stream_config(format=name, sample_rate_hz=24000)
    stream = encode_iter(target, config, np.array_split(samples, 30))
    assert stream.started.mime_type
    parts = list(stream)
    assert all(parts)
    assert stored(b"".join(parts), stream.header) == encode(target, config, samples)
    assert list(stream) == []


async def test_asyncio_bytes_and_header_are_the_file(target: str, samples: NDArray[np.int16]) -> None:
    async def blocks() -> AsyncIterator[NDArray[np.int16]]:
        for block in np.array_split(samples, 30):
            await asyncio.sleep(0)
            yield block

    expected = await asyncio.to_thread(encode, target, WAV, samples)
    for pcm in (blocks(), np.array_split(samples, 30)):
        stream = async_encode_iter(target, WAV, pcm)
        assert (await stream.started).mime_type
        parts = [data async for data in stream]
        assert all(parts)
        assert stored(b"".join(parts), stream.header) == expected
        assert [data async for data in stream] == []


def test_empty_iterable_is_a_valid_file(target: str) -> None:
    stream = encode_iter(target, WAV, [])
    assert stored(b"".join(stream), stream.header) == encode(target, WAV, b"")


def test_bytes_come_before_the_next_block_of_pcm(target: str) -> None:
    go = threading.Event()

    def blocks() -> Iterator[bytes]:
        yield BLOCK
        assert go.wait(LIMIT_S)
        yield BLOCK

    stream, received = encode_iter(target, PCM, blocks()), b""
    while len(received) < len(BLOCK):
        received += next(stream)
    go.set()
    assert received + b"".join(stream) == 2 * BLOCK


async def test_asyncio_bytes_come_before_the_next_block_of_pcm(target: str) -> None:
    go = asyncio.Event()

    async def blocks() -> AsyncIterator[bytes]:
        yield BLOCK
        await go.wait()
        yield BLOCK

    stream, received = async_encode_iter(target, PCM, blocks()), b""
    while len(received) < len(BLOCK):
        received += await anext(stream)
    go.set()
    assert received + b"".join([data async for data in stream]) == 2 * BLOCK


MIB = bytes(2**20)


def test_pcm_is_not_read_ahead_of_a_slow_consumer(target: str) -> None:
    taken = count()
    with encode_iter(target, PCM, (MIB for _ in taken)) as stream:
        next(stream)
        threading.Event().wait(1)
        assert next(taken) < 32


async def test_asyncio_pcm_is_not_read_ahead_of_a_slow_consumer(target: str) -> None:
    taken = count()
    async with async_encode_iter(target, PCM, (MIB for _ in taken)) as stream:
        await anext(stream)
        await asyncio.sleep(1)
        assert next(taken) < 32


def test_long_stream_does_not_deadlock(target: str) -> None:
    assert sum(map(len, encode_iter(target, PCM, repeat(MIB, 50)))) == 50 * len(MIB)


async def test_asyncio_long_stream_does_not_deadlock(target: str) -> None:
    assert sum([len(data) async for data in async_encode_iter(target, PCM, repeat(MIB, 50))]) == 50 * len(MIB)


class Blocks:
    """Blocks without an end, which record that their generator was closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def endless(self) -> Iterator[bytes]:
        try:
            yield from repeat(BLOCK)
        finally:
            self.closed.set()

    async def waiting(self) -> AsyncIterator[bytes]:
        try:
            yield BLOCK
            await asyncio.Event().wait()
        finally:
            self.closed.set()


def test_close_cancels_the_call(own: ServerProcess) -> None:
    blocks = Blocks()
    stream = encode_iter(own.target, PCM, blocks.endless())
    next(stream)
    stream.close()
    cancelled(own)
    assert blocks.closed.wait(LIMIT_S)
    assert list(stream) == []
    with pytest.raises(StreamCancelled):
        _ = stream.result


def test_dropped_iterator_cancels_the_call(own: ServerProcess) -> None:
    blocks = Blocks()
    for _ in encode_iter(own.target, PCM, blocks.endless()):
        break
    gc.collect()
    cancelled(own)
    assert blocks.closed.wait(LIMIT_S)


def test_iterator_that_is_never_used_cancels_the_call(own: ServerProcess) -> None:
    assert encode_iter(own.target, PCM, Blocks().endless()).started
    gc.collect()
    cancelled(own)


async def test_asyncio_close_cancels_the_call(own: ServerProcess) -> None:
    blocks = Blocks()
    async with aclosing(async_encode_iter(own.target, PCM, blocks.waiting())) as stream:
        await anext(stream)
    assert blocks.closed.is_set()
    await async_cancelled(own)
    assert [data async for data in stream] == []
    with pytest.raises(StreamCancelled):
        _ = stream.result


async def test_asyncio_close_at_once_starts_nothing(own: ServerProcess) -> None:
    stream = async_encode_iter(own.target, PCM, Blocks().waiting())
    await stream.aclose()
    assert own.calls() == []


async def test_asyncio_dropped_iterator_cancels_the_call(own: ServerProcess) -> None:
    blocks = Blocks()
    async for _ in async_encode_iter(own.target, PCM, blocks.waiting()):
        break
    gc.collect()
    await async_cancelled(own)
    assert blocks.closed.is_set()


async def test_cancelled_consumer_cancels_the_call(own: ServerProcess) -> None:
    blocks, received = Blocks(), asyncio.Event()
    stream = async_encode_iter(own.target, PCM, blocks.waiting())

    async def respond() -> None:
        async for _ in stream:
            received.set()

    task = asyncio.create_task(respond())
    await received.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await async_cancelled(own)
    assert blocks.closed.is_set()
    assert [data async for data in stream] == []


def test_error_of_the_iterable_is_raised_unchanged(own: ServerProcess) -> None:
    go = threading.Event()

    def failing() -> Iterator[bytes]:
        yield BLOCK
        assert go.wait(LIMIT_S)
        raise Failed

    stream = encode_iter(own.target, PCM, failing())
    next(stream)
    go.set()
    with pytest.raises(Failed):
        list(stream)
    cancelled(own)


async def test_asyncio_error_of_the_iterable_is_raised_unchanged(own: ServerProcess) -> None:
    go = asyncio.Event()

    async def failing() -> AsyncIterator[bytes]:
        yield BLOCK
        await go.wait()
        raise Failed

    stream = async_encode_iter(own.target, PCM, failing())
    await anext(stream)
    go.set()
    with pytest.raises(Failed):
        _ = [data async for data in stream]
    await async_cancelled(own)


async def test_error_of_the_iterable_is_raised_although_the_server_does_not_answer() -> None:
    def fail(_: object) -> bytes:
        raise Failed

    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = f"127.0.0.1:{silent.getsockname()[1]}"
        for use in (next, lambda stream: stream.started):
            with pytest.raises(Failed):
                await asyncio.to_thread(use, encode_iter(target, PCM, map(fail, [1])))
        with pytest.raises(Failed):
            await anext(async_encode_iter(target, PCM, map(fail, [1])))
        with pytest.raises(Failed):
            await async_encode_iter(target, PCM, map(fail, [1])).started
