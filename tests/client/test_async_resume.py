"""An asyncio stream survives the loss of its server, as a sync one does: test_resume.py has the details."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from audiowriter_client import AsyncAudioWriter, ServiceUnavailable, StreamCancelled, async_encode_iter
from support.fleet import PART, PCM, RAW, Fleet
from support.ogg import without_serials
from support.server import LIMIT_S
from support.streams import config, encode


async def kill_holder(fleet: Fleet) -> None:
    await asyncio.to_thread(fleet.kill_holder)


@pytest.mark.parametrize("name", ["mp3", "opus", "flac", "m4a", "webm"])
async def test_file_and_live_bytes_are_those_of_an_unbroken_stream(tmp_path: Path, name: str) -> None:
    live = bytearray()

    async def receive(data: bytes) -> None:
        await asyncio.sleep(0.001)
        live.extend(data)

    with Fleet(3) as fleet:
        for sink in (tmp_path / "a", receive):
            async with AsyncAudioWriter.open(fleet.target, config(name), sink) as writer:
                await writer.write(PCM[:PART])
                assert (await writer.started).mime_type
                await asyncio.sleep(0.1)
                await kill_holder(fleet)
                await writer.write(PCM[PART:])
    whole = without_serials(encode(config(name), PCM).file)
    assert without_serials((tmp_path / "a").read_bytes()) == whole
    assert without_serials(writer.header + live[len(writer.header) :]) == whole


@pytest.mark.parametrize("sink", ["file", "live"])
async def test_two_servers_may_be_lost_also_while_the_stream_is_encoded_again(sink: str) -> None:
    wanted, pcm, file, live = config("aac", effort=10), PCM * 25, io.BytesIO(), bytearray()
    with Fleet(3) as fleet:
        async with AsyncAudioWriter.open(fleet.target, wanted, file if sink == "file" else live.extend) as writer:
            await writer.write(pcm)
            flushed = await writer.flush()
            await kill_holder(fleet)
            await asyncio.to_thread(fleet.holder)
            await asyncio.sleep(0.2)
            await kill_holder(fleet)
            again = await writer.flush()
            assert (again.offset, again.input_samples) == (flushed.offset, flushed.input_samples)
    assert (file.getvalue() if sink == "file" else live) == encode(wanted, pcm).file


async def test_last_error_is_raised_after_resume_timeout(tmp_path: Path, names: Callable[[], list[str]]) -> None:
    with Fleet(1) as fleet:
        writer = AsyncAudioWriter.open(fleet.target, RAW, tmp_path / "a", resume_timeout=1)
        await writer.write(PCM)
        await writer.flush()
        await kill_holder(fleet)
        begin = time.monotonic()
        with pytest.raises(ServiceUnavailable) as caught:
            await writer.close()
        assert time.monotonic() - begin < LIMIT_S / 2
    assert caught.value.__notes__ == ["not resumed within resume_timeout=1 s"]
    assert names() == []


async def test_stream_that_is_not_kept_is_not_resumed(fleet: Fleet) -> None:
    live = bytearray()
    writer = AsyncAudioWriter.open(fleet.target, RAW, live.extend, spool_bytes=len(PCM) - 1)
    await writer.write(PCM)
    await writer.flush()
    await kill_holder(fleet)
    with pytest.raises(ServiceUnavailable) as caught:
        await writer.close()
    assert caught.value.bytes_received == len(live) == len(PCM)


async def test_error_of_the_sink_is_raised_while_the_stream_is_resumed(fleet: Fleet) -> None:
    killed = asyncio.Event()

    async def sink(data: bytes) -> None:
        if killed.is_set():
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        async with AsyncAudioWriter.open(fleet.target, RAW, sink) as writer:
            await writer.write(PCM[:PART])
            await writer.flush()
            killed.set()
            await kill_holder(fleet)
            await writer.write(PCM[PART:])


async def test_stream_without_a_server_can_be_cancelled() -> None:
    with Fleet(1) as fleet:
        writer = AsyncAudioWriter.open(fleet.target, RAW, bytearray().extend)
        await writer.write(PCM)
        await writer.flush()
        await kill_holder(fleet)
        await asyncio.sleep(0.2)
        await writer.cancel()
        with pytest.raises(StreamCancelled):
            await writer.write(PCM)


async def test_iterator_goes_on_with_the_next_byte(fleet: Fleet) -> None:
    killed = asyncio.Event()

    async def blocks() -> AsyncIterator[bytes]:
        yield PCM[:PART]
        await asyncio.wait_for(killed.wait(), LIMIT_S)
        yield PCM[PART:]

    data = bytearray()
    async for piece in async_encode_iter(fleet.target, RAW, blocks()):
        data += piece
        if len(data) == PART - 1 and not killed.is_set():
            await kill_holder(fleet)
            killed.set()
    assert data == PCM
