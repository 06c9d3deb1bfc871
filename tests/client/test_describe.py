"""Tags that come while the stream runs, from the sync and the async writer."""

from pathlib import Path
from typing import Any

import grpc
import pytest
from audiowriter.v1.audio_writer_pb2 import EncodeStreamRequest, Marker, Metadata, Tag
from audiowriter_client import AsyncAudioWriter, AudioWriter, InvalidArgument, encode, stream_config
from audiowriter_client.requests import RequestQueue
from audiowriter_client.webvtt import webvtt
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


MARKERS = [Marker(position=12_000, title="Two <b> & 2"), Marker(title="One"), Marker(position=20_000, length=2_400)]
VTT = """WEBVTT

00:00:00.000 --> 00:00:00.500
One

00:00:00.500 --> 00:00:00.833
Two &lt;b&gt; &amp; 2

00:00:00.833 --> 00:00:00.933

"""


def test_markers_are_in_the_file_and_in_webvtt(target: str, tmp_path: Path) -> None:
    with AudioWriter.open(target, CONFIG, tmp_path / "a.flac") as writer:
        writer.describe(markers=MARKERS[:2])
        writer.write(PCM)
        writer.describe(markers=MARKERS[2:])
        with pytest.raises(ValueError, match="no result before close"):
            writer.markers_webvtt()
    found = tags_of(tmp_path / "a.flac")
    assert (found["chapter000name"], found["chapter001"]) == (["One"], ["00:00:00.500"])
    assert writer.markers_webvtt() == VTT


async def test_markers_of_an_async_writer_are_in_the_file_and_in_webvtt(target: str, tmp_path: Path) -> None:
    async with AsyncAudioWriter.open(target, CONFIG, tmp_path / "a.flac") as writer:
        await writer.describe(markers=MARKERS)
        await writer.write(PCM)
    assert tags_of(tmp_path / "a.flac")["chapter001name"] == ["Two <b> & 2"]
    assert writer.markers_webvtt() == VTT


def test_a_marker_beyond_the_end_is_at_the_end_in_webvtt() -> None:
    assert webvtt([Marker(position=50_000, length=5, title="x")], 24_000, 24_000).splitlines()[2:] == [
        "00:00:01.000 --> 00:00:01.000", "x",
    ]  # fmt: skip
    assert webvtt([], 24_000, 0) == "WEBVTT\n"


def test_short_audio_has_markers(target: str) -> None:
    file = encode(target, CONFIG, PCM, markers=MARKERS)
    assert b"CHAPTER001NAME=Two <b> & 2" in file
