"""The deadline of a call."""

import asyncio
import math
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from audiowriter_client import (
    AsyncAudioWriter,
    AudioWriter,
    DeadlineExceeded,
    ServiceUnavailable,
    async_encode,
    async_list_formats,
    encode,
    list_formats,
    resume,
    stream_config,
    unary,
)
from support.server import ServerProcess, Stream, channel_to

WAV = stream_config(format="wav", sample_rate_hz=24000)
Names = Callable[[], list[str]]


def write(target: str, path: Path, timeout: float | None) -> None:
    """Write until the stream fails, or 100 ms of audio if there is no timeout."""
    with AudioWriter.open(target, WAV, path, timeout=timeout) as writer:
        writer.write(bytes(4800))
        while timeout is not None and not math.isinf(timeout):
            writer.write(bytes(480))
            writer.flush()


async def async_write(target: str, path: Path, timeout: float | None) -> None:  # noqa: ASYNC109 - the tested argument
    async with AsyncAudioWriter.open(target, WAV, path, timeout=timeout) as writer:
        await writer.write(bytes(4800))
        while timeout is not None and not math.isinf(timeout):
            await writer.write(bytes(480))
            await writer.flush()


CALLS: dict[str, Callable[[str, Path, Any], Any]] = {
    "stream": write,
    "asyncio stream": lambda target, path, timeout: asyncio.run(async_write(target, path, timeout)),
    "encode": lambda target, _, timeout: encode(target, WAV, b"", timeout=timeout),
    "asyncio encode": lambda target, _, timeout: asyncio.run(async_encode(target, WAV, b"", timeout=timeout)),
    "list": lambda target, _, timeout: list_formats(target, timeout=timeout),
    "asyncio list": lambda target, _, timeout: asyncio.run(async_list_formats(target, timeout=timeout)),
}
STREAMS = ["stream", "asyncio stream"]


@pytest.mark.parametrize("call", CALLS)
def test_timeout_covers_the_connection(tmp_path: Path, names: Names, call: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(DeadlineExceeded):
        CALLS[call](f"127.0.0.1:{silent.getsockname()[1]}", tmp_path / "a.wav", 0.5)
    assert names() == []


@pytest.mark.parametrize("call", STREAMS)
def test_timeout_covers_the_whole_stream(target: str, tmp_path: Path, names: Names, call: str) -> None:
    with pytest.raises(DeadlineExceeded):
        CALLS[call](target, tmp_path / "a.wav", 2)
    assert names() == []


@pytest.mark.parametrize("timeout", [None, math.inf, 10**6, 10**12])
@pytest.mark.parametrize("call", [name for name in CALLS if name not in STREAMS])
def test_call_within_its_timeout_succeeds(target: str, tmp_path: Path, call: str, timeout: float | None) -> None:
    assert CALLS[call](target, tmp_path / "a.wav", timeout)


@pytest.mark.parametrize("timeout", [None, math.inf])
@pytest.mark.parametrize("call", STREAMS)
def test_stream_without_a_timeout_succeeds(
    target: str, tmp_path: Path, names: Names, call: str, timeout: float | None
) -> None:
    CALLS[call](target, tmp_path / "a.wav", timeout)
    assert names() == ["a.wav"]


@pytest.mark.parametrize("call", [name for name in CALLS if not name.endswith("list")])
def test_refusal_is_raised_if_its_retry_would_come_too_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def waits() -> Iterator[float]:
        yield 3600.0

    for module in (resume, unary):
        monkeypatch.setattr(module, "waits", waits)
    with ServerProcess("--max-streams=1", "--idle-timeout=3600") as server, channel_to(server) as channel:
        held = Stream(channel).start()
        with pytest.raises(ServiceUnavailable) as caught:
            CALLS[call](server.target, tmp_path / "a.wav", 60)
        held.call.cancel()
        held.half_close()
    assert caught.value.retry_after is not None


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("timeout", "error"), [(0, ValueError), (-1, ValueError), (math.nan, ValueError), ("5", TypeError)]
)
def test_error_names_a_wrong_timeout(
    tmp_path: Path, names: Names, call: str, timeout: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"^timeout"):
        CALLS[call]("127.0.0.1:1", tmp_path / "a.wav", timeout)
    assert names() == []
