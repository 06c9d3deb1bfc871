"""PCM for files is sent in long messages, and PCM for listeners at once."""

import asyncio
import io
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from audiowriter_client import AsyncAudioWriter, AudioWriter, stream_config
from audiowriter_client.requests import MESSAGE_BYTES
from audiowriter_client.sink import is_live, open_sink
from support.server import ServerProcess, poll

CONFIG = stream_config(format="pcm", sample_rate_hz=24_000)
FRAME = bytes(960)
FRAMES = 125
PAUSE_S = 0.004
"""Between frames, so that a message can be sent before the next frame is there."""
MANY = 8
"""More messages than with any buffer. There is not one per frame, because those that wait for the connection are joined."""


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess() as server:
        yield server


def messages_of_last_call(server: ServerProcess, calls: int) -> int:
    poll(lambda: len(server.calls()) > calls, "the call has no log line")
    received = server.calls()[-1]["received"]
    assert isinstance(received, int)
    return received


def write(server: ServerProcess, sink: Any, **options: Any) -> int:
    """Write 2.5 s in frames of 20 ms; return the number of messages, the config included."""
    calls = len(server.calls())
    with AudioWriter.open(server.target, CONFIG, sink, **options) as writer:
        assert writer.started.mime_type
        for _ in range(FRAMES):
            writer.write(FRAME)
            time.sleep(PAUSE_S)
    assert writer.result.file_bytes == FRAMES * len(FRAME)
    return messages_of_last_call(server, calls)


def test_a_file_gets_a_message_per_second(server: ServerProcess, tmp_path: Path) -> None:
    assert write(server, tmp_path / "a.pcm") <= 1 + 3
    assert write(server, io.BytesIO()) <= 1 + 3


def test_a_listener_gets_its_bytes_at_once(server: ServerProcess) -> None:
    assert write(server, lambda data: None) > MANY


def test_the_buffer_can_be_chosen(server: ServerProcess, tmp_path: Path) -> None:
    assert write(server, tmp_path / "a.pcm", buffer_seconds=0) > MANY
    assert write(server, lambda data: None, buffer_seconds=0.5) <= 1 + 5


def test_flush_sends_what_was_gathered(server: ServerProcess, tmp_path: Path) -> None:
    with AudioWriter.open(server.target, CONFIG, tmp_path / "a.pcm") as writer:
        writer.write(FRAME)
        assert writer.flush().input_samples == len(FRAME) // 2
        assert writer.bytes_received == len(FRAME)


async def test_asyncio_gathers_as_much(server: ServerProcess, tmp_path: Path) -> None:
    calls = len(server.calls())
    async with AsyncAudioWriter.open(server.target, CONFIG, tmp_path / "a.pcm") as writer:
        assert (await writer.started).mime_type
        for _ in range(FRAMES):
            await writer.write(FRAME)
            await asyncio.sleep(PAUSE_S)
    assert messages_of_last_call(server, calls) <= 1 + 3


def test_no_more_than_a_message_is_gathered(server: ServerProcess, tmp_path: Path) -> None:
    calls = len(server.calls())
    with AudioWriter.open(server.target, CONFIG, tmp_path / "a.pcm", buffer_seconds=float("inf")) as writer:
        assert writer.started.mime_type
        writer.write(bytes(MESSAGE_BYTES))
        poll(lambda: writer.bytes_received == MESSAGE_BYTES, "the message was not sent")
        writer.write(bytes(2))
    assert messages_of_last_call(server, calls) == 1 + 2


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        ("1", TypeError, "buffer_seconds: expected a number of seconds, not str"),
        (True, TypeError, "buffer_seconds: expected a number of seconds, not bool"),
        (-1, ValueError, "buffer_seconds=-1: expected a number of seconds, 0 or more"),
        (float("nan"), ValueError, "buffer_seconds=nan: expected a number of seconds, 0 or more"),
    ],
)
@pytest.mark.parametrize("writer", [AudioWriter, AsyncAudioWriter])
async def test_a_bad_buffer_is_refused(
    tmp_path: Path, writer: Any, value: object, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        writer.open("127.0.0.1:1", CONFIG, tmp_path / "missing" / "a.pcm", buffer_seconds=value)


def test_only_files_that_get_their_header_at_the_end_are_not_live(tmp_path: Path) -> None:
    path = open_sink(tmp_path / "a")
    assert not is_live(path)
    path.discard()
    assert not is_live(open_sink(io.BytesIO()))
    assert is_live(open_sink(bytearray().extend))
    with (tmp_path / "b").open("ab") as appended:
        assert is_live(open_sink(appended))
