"""Positions and channels of the Python writers: the file is the one that the core makes, also if servers are lost."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from audiowriter_client import AsyncAudioWriter, AudioWriter, InvalidArgument, stream_config
from audiowriter_core import open_audio
from numpy.typing import NDArray
from support.fleet import Fleet
from support.server import ServerProcess

RATE = 8000
OPTIONS: dict[str, Any] = {"format": "flac", "sample_rate_hz": RATE, "channels": 2, "max_skew_ms": 1000}

Write = tuple[NDArray[np.int16], int | None, int]


def writes(seconds: int = 4) -> Sequence[Write]:
    """Return two speakers in packets of 20 ms, with losses and packets in another order."""
    random = np.random.default_rng(1)
    made: list[Write] = []
    for start in range(0, seconds * RATE, 160):
        for channel in (1, 2):
            if random.random() < 0.9:
                samples = random.integers(-9000, 9000, 160, np.int16)
                made.append((samples, start if random.random() < 0.8 or len(made) < 9 else None, channel))
    for place in random.integers(0, len(made) - 1, 10).tolist():
        made[place], made[place + 1] = made[place + 1], made[place]
    return made


@pytest.fixture(scope="module")
def expected() -> bytes:
    file = io.BytesIO()
    with open_audio(file, **OPTIONS, sample_format="s16le") as audio:
        for samples, position, channel in writes():
            audio.write(samples, position=position, channel=channel)
    return file.getvalue()


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess() as process:
        yield process


@pytest.mark.parametrize("buffer_seconds", [0, 1])
def test_a_file_is_that_of_the_core(server: ServerProcess, expected: bytes, buffer_seconds: float) -> None:
    file = io.BytesIO()
    with AudioWriter.open(server.target, stream_config(**OPTIONS), file, buffer_seconds=buffer_seconds) as writer:
        for samples, position, channel in writes():
            writer.write(samples, position=position, channel=channel)
    assert file.getvalue() == expected
    assert writer.result.filled_samples > 0


async def test_the_asyncio_writer_has_the_same_file(server: ServerProcess, expected: bytes) -> None:
    file = io.BytesIO()
    async with AsyncAudioWriter.open(server.target, stream_config(**OPTIONS), file) as writer:
        for samples, position, channel in writes():
            await writer.write(samples.tobytes(), position=position, channel=channel)
    assert file.getvalue() == expected


@pytest.mark.parametrize("sink", ["path", "live"])
def test_the_file_is_the_same_if_a_server_is_lost(tmp_path: Path, expected: bytes, sink: str) -> None:
    live = bytearray()
    with Fleet(2) as fleet:
        to = tmp_path / "a" if sink == "path" else live.extend
        with AudioWriter.open(fleet.target, stream_config(**OPTIONS), to) as writer:
            for number, (samples, position, channel) in enumerate(writes()):
                writer.write(samples, position=position, channel=channel)
                if number == 150:
                    writer.flush()
                    fleet.kill_holder()
    file = (tmp_path / "a").read_bytes() if sink == "path" else writer.header + live[len(writer.header) :]
    with_flush = io.BytesIO()
    with open_audio(with_flush, **OPTIONS, sample_format="s16le") as audio:
        for number, (samples, position, channel) in enumerate(writes()):
            audio.write(samples, position=position, channel=channel)
            if number == 150:
                audio.flush()
    assert file == with_flush.getvalue()


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ({"position": -1}, "position=-1: expected a number of samples, 0 or more"),
        ({"channel": 3}, "channel=3: expected 1 to 2, or 0 for all channels, interleaved"),
        ({"channel": 1.0}, "channel: expected an integer, not float"),
        ({"position": True}, "position: expected an integer, not bool"),
    ],
)
def test_arguments_are_checked(server: ServerProcess, place: dict[str, Any], error: str) -> None:
    with (
        AudioWriter.open(server.target, stream_config(**OPTIONS), io.BytesIO()) as writer,
        pytest.raises((TypeError, ValueError), match=error),
    ):
        writer.write(bytes(4), **place)


def test_the_config_announces_positions(server: ServerProcess) -> None:
    config = stream_config(format="wav", sample_rate_hz=RATE)
    with (
        AudioWriter.open(server.target, config, io.BytesIO()) as writer,
        pytest.raises(ValueError, match="the config needs max_gap_ms, max_skew_ms or max_jitter_ms"),
    ):
        writer.write(bytes(4), position=0)


def test_a_jump_beyond_max_gap_is_refused(server: ServerProcess) -> None:
    config = stream_config(format="wav", sample_rate_hz=RATE, max_gap_ms=1000)
    refused = pytest.raises(InvalidArgument, match=r"position=8161: takes 0 to 8160: .* max_gap is 1000 ms")
    with refused as caught, AudioWriter.open(server.target, config, io.BytesIO()) as writer:
        writer.write(bytes(320), position=0)
        writer.write(bytes(320), position=8161)
    assert [violation.field for violation in caught.value.violations] == ["position"]
