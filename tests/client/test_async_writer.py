import asyncio
import io
import threading
from collections.abc import Callable
from pathlib import Path

import grpc.aio
import numpy as np
import pytest
from audiowriter_client import (
    AsyncAudioWriter,
    AudioWriter,
    InvalidArgument,
    ServiceUnavailable,
    StreamCancelled,
    stream_config,
)
from numpy.typing import NDArray

WAV = stream_config(format="wav", sample_rate_hz=24000)
PCM = stream_config(format="pcm", sample_rate_hz=24000)
Names = Callable[[], list[str]]
OwnServer = tuple[str, Callable[[], None]]


@pytest.mark.parametrize("name", ["wav", "flac", "mp3", "aac", "pcm"])  # Ogg files have a random serial number
async def test_sync_and_async_write_the_same_file(
    target: str, tmp_path: Path, samples: NDArray[np.int16], name: str
) -> None:
    config = stream_config(format=name, sample_rate_hz=24000)
    async with AsyncAudioWriter.open(target, config, tmp_path / "async") as writer:
        for block in np.array_split(samples, 30):
            await writer.write(block)
    with AudioWriter.open(target, config, tmp_path / "sync") as sync_writer:
        for block in np.array_split(samples, 50):
            sync_writer.write(block)
    assert (tmp_path / "async").read_bytes() == (tmp_path / "sync").read_bytes()
    assert writer.result == sync_writer.result
    assert writer.bytes_received == writer.result.file_bytes


async def test_started_and_flushed_are_awaited(target: str, samples: NDArray[np.int16]) -> None:
    live = bytearray()
    async with AsyncAudioWriter.open(target, PCM, live.extend) as writer:
        assert (await writer.started).mime_type
        await writer.write(samples)
        assert (await writer.flush()).input_samples == len(samples)
        assert live == samples.tobytes()
    with pytest.raises(ValueError, match="closed"):
        await writer.write(b"")


async def test_coroutine_sink_is_awaited_and_blocks_the_writer(target: str) -> None:
    go, received, written = asyncio.Event(), bytearray(), 0

    async def sink(data: bytes) -> None:
        await go.wait()
        received.extend(data)

    async with AsyncAudioWriter.open(target, PCM, sink) as writer:

        async def write() -> None:
            nonlocal written
            for _ in range(64):
                await writer.write(bytes(2**20))
                written += 2**20

        writing = asyncio.create_task(write())
        await asyncio.sleep(1)
        assert written < 32 * 2**20
        go.set()
        await writing
    assert len(received) == written == 64 * 2**20


async def test_callable_may_return_a_number(target: str) -> None:
    file = io.BytesIO()
    async with AsyncAudioWriter.open(target, PCM, file.write) as writer:
        await writer.write(bytes(100))
    assert file.getvalue() == bytes(100)


async def test_sink_of_the_caller_may_be_asynchronous(target: str) -> None:
    class Slow:
        def __init__(self) -> None:
            self.data, self.header = bytearray(), b""

        async def write(self, data: bytes) -> None:
            await asyncio.sleep(0)
            self.data += data

        def finish(self, header: bytes) -> None:
            self.header = header

        def discard(self) -> None:
            raise AssertionError

    sink = Slow()
    async with AsyncAudioWriter.open(target, WAV, sink) as writer:
        await writer.write(bytes(1000))
    assert len(sink.data) == writer.result.file_bytes
    assert sink.header == writer.header


async def test_long_stream_does_not_deadlock(target: str, tmp_path: Path) -> None:
    async with AsyncAudioWriter.open(target, WAV, tmp_path / "a.wav") as writer:
        for _ in range(100):
            await writer.write(bytes(2**20))
    assert (tmp_path / "a.wav").stat().st_size > 100 * 2**20


async def test_file_is_synced_without_blocking_the_event_loop(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    monkeypatch.setattr("os.fsync", lambda _: threads.append(threading.current_thread()))
    async with AsyncAudioWriter.open(target, WAV, tmp_path / "a.wav") as writer:
        await writer.write(bytes(2000))
    assert len(threads) == 2
    assert threading.main_thread() not in threads


async def test_refused_config_is_raised(target: str, tmp_path: Path, names: Names) -> None:
    with pytest.raises(InvalidArgument) as caught:
        async with AsyncAudioWriter.open(
            target, stream_config(format="mp3", sample_rate_hz=44101), tmp_path / "a.mp3"
        ) as writer:
            while True:
                await writer.write(bytes(1000))
    assert caught.value.violations
    assert names() == []


async def test_refusal_during_writes_is_raised(target: str) -> None:
    config = stream_config(format="wav", sample_rate_hz=24000, sample_format="f32le")
    for _ in range(40):  # without CallStatus one in ten fails with INTERNAL
        with pytest.raises(InvalidArgument, match="nan"):
            async with AsyncAudioWriter.open(target, config, io.BytesIO()) as writer:
                await writer.write(np.array([np.nan], np.float32))
                while True:
                    await writer.write(bytes(20_000))
                    await asyncio.sleep(0)


async def test_leaving_by_an_exception_leaves_no_file(target: str, tmp_path: Path, names: Names) -> None:
    with pytest.raises(ZeroDivisionError):
        async with AsyncAudioWriter.open(target, WAV, tmp_path / "a.wav") as writer:
            await writer.flush()
            _ = 1 / 0
    assert names() == []


async def test_cancel_at_once_leaves_no_file(target: str, tmp_path: Path, names: Names) -> None:
    writer = AsyncAudioWriter.open(target, WAV, tmp_path / "a.wav")
    await writer.cancel()
    assert names() == []
    with pytest.raises(StreamCancelled):
        await writer.close()


async def test_cancelled_task_leaves_no_file(target: str, tmp_path: Path, names: Names) -> None:
    async def write() -> None:
        async with AsyncAudioWriter.open(target, WAV, tmp_path / "a.wav") as writer:
            while True:
                await writer.write(bytes(2000))
                await asyncio.sleep(0.01)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(write(), 0.5)
    assert names() == []


async def test_killed_server_leaves_no_file(own_server: OwnServer, tmp_path: Path, names: Names) -> None:
    own_target, kill = own_server
    with pytest.raises(ServiceUnavailable):
        async with AsyncAudioWriter.open(own_target, WAV, tmp_path / "a.wav", resume_timeout=0) as writer:
            await writer.flush()
            kill()
            while True:
                await writer.write(bytes(10_000))
    assert names() == []


async def test_given_channel_stays_open(target: str) -> None:
    async with grpc.aio.insecure_channel(target) as channel:
        for _ in range(2):
            async with AsyncAudioWriter.open(channel, WAV, io.BytesIO()):
                pass
