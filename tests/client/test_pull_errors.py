"""Errors of encode_iter and async_encode_iter."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest
from audiowriter_client import (
    AsyncFileIterator,
    FileIterator,
    InvalidArgument,
    async_encode_iter,
    encode_iter,
    stream_config,
)
from support.server import LIMIT_S

WAV = stream_config(format="wav", sample_rate_hz=24000)
PCM = stream_config(format="pcm", sample_rate_hz=24000)
WRONG = stream_config(format="mp3", sample_rate_hz=44101)
BLOCK = bytes(4800)


def test_refusal_is_raised_while_the_iterable_blocks(target: str) -> None:
    end = threading.Event()

    def blocks() -> Iterator[bytes]:
        end.wait(LIMIT_S)
        yield BLOCK

    for use in (next, lambda stream: stream.started):
        with pytest.raises(InvalidArgument):
            use(encode_iter(target, WRONG, blocks()))
    end.set()


async def test_asyncio_refusal_is_raised_while_the_iterable_waits(target: str) -> None:
    async def blocks() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield BLOCK

    with pytest.raises(InvalidArgument):
        await anext(async_encode_iter(target, WRONG, blocks()))
    with pytest.raises(InvalidArgument):
        await async_encode_iter(target, WRONG, blocks()).started


def test_wrong_block_is_raised(target: str) -> None:
    with pytest.raises(TypeError, match="pcm has dtype float64"):
        list(encode_iter(target, PCM, [np.zeros(10)]))


@pytest.mark.parametrize("pcm", [b"1234", bytearray(4), memoryview(b"1234"), np.zeros(4, np.int16), "1234"])
async def test_single_block_is_refused_at_once(target: str, pcm: Any) -> None:
    for start in (encode_iter, async_encode_iter):
        with pytest.raises(
            TypeError, match=r"^pcm: expected an iterable of blocks, not .*: for a single block pass \[pcm\]$"
        ):
            start(target, PCM, pcm)


async def test_object_that_is_not_iterable_is_refused_at_once(target: str) -> None:
    wrong: Any = 5
    for start in (encode_iter, async_encode_iter):
        with pytest.raises(TypeError, match=r"^pcm: expected an iterable of blocks, not int$"):
            start(target, PCM, wrong)


def test_result_before_the_end_is_an_error(target: str) -> None:
    with encode_iter(target, PCM, [BLOCK]) as stream, pytest.raises(ValueError, match="no result before"):
        _ = stream.result


async def test_types_are_public(target: str) -> None:
    assert isinstance(encode_iter(target, PCM, []), FileIterator)
    assert isinstance(async_encode_iter(target, PCM, []), AsyncFileIterator)
