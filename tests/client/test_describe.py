"""Tags that come while the stream runs, from the sync and the async writer."""

from pathlib import Path
from typing import Any

import grpc
import pytest
from audiowriter.v1.audio_writer_pb2 import EncodeStreamRequest, Metadata, Tag
from audiowriter_client import AsyncAudioWriter, AudioWriter, InvalidArgument, stream_config
from audiowriter_client.requests import RequestQueue
from mutagen.flac import FLAC

PCM = bytes(48_000)
CONFIG = stream_config(format="flac", sample_rate_hz=24_000, tags={"title": "before"}, metadata_bytes=4096)


def tags_of(path: Path) -> dict[str, list[str]]:
    tags: Any = FLAC(path).tags
    return dict(tags.as_dict())


@pytest.mark.parametrize("when", ["before", "between", "after"])
def test_later_tags_are_in_the_file(target: str, tmp_path: Path, when: str) -> None:
    with AudioWriter.open(target, CONFIG, tmp_path / "a.flac") as writer:
        if when == "before":
            writer.describe({"title": "after", "artist": ["A", "B"]})
        writer.write(PCM)
        if when == "between":
            writer.flush()
            writer.describe({"title": "after"})
            writer.describe({"artist": ["A", "B"]})
            writer.write(PCM)
        if when == "after":
            writer.describe([("title", "after"), ("artist", "A"), ("artist", "B")])
    assert tags_of(tmp_path / "a.flac") == {"title": ["after"], "artist": ["A", "B"]}


async def test_later_tags_of_an_async_writer_are_in_the_file(target: str, tmp_path: Path) -> None:
    async with AsyncAudioWriter.open(target, CONFIG, tmp_path / "a.flac") as writer:
        await writer.write(PCM)
        await writer.describe({"title": "after"})
    assert tags_of(tmp_path / "a.flac") == {"title": ["after"]}


def test_a_tag_that_does_not_fit_ends_the_stream_and_names_itself(target: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"and \d+ are left") as caught:  # noqa: SIM117
        with AudioWriter.open(target, CONFIG, tmp_path / "a.flac") as writer:
            writer.describe({"comment": "x" * 5000})
            writer.write(PCM)
    assert [violation.field for violation in caught.value.violations] == ['metadata.tags["comment"]']
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert list(tmp_path.iterdir()) == []


def test_bad_tags_are_refused_before_they_are_sent(target: str, tmp_path: Path) -> None:
    with AudioWriter.open(target, CONFIG, tmp_path / "a.flac") as writer:
        with pytest.raises(TypeError, match="tags: expected str"):
            writer.describe({"title": 1})  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="lone surrogate"):
            writer.describe({"title": "\ud800"})
        writer.write(PCM)
    with pytest.raises(ValueError, match="the writer is closed"):
        writer.describe({"title": "x"})
    assert tags_of(tmp_path / "a.flac") == {"title": ["before"]}


def test_each_call_of_a_stream_sends_the_descriptions_once() -> None:
    queue = RequestQueue(CONFIG, spool_bytes=1000)
    first, second = (EncodeStreamRequest(metadata=Metadata(tags=[Tag(name="title", value=text)])) for text in "ab")
    queue.describe(first)
    assert queue.take().HasField("config")
    assert queue.take() == first
    queue.put(memoryview(b"12"))
    assert queue.take().pcm == b"12"
    queue.describe(second)
    assert queue.take() == second
    queue.begin_again()
    assert [queue.take() for _ in range(4)][1:3] == [first, second]
    assert not queue.ready
    queue.spool.close()
