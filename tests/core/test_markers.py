"""Markers: chapters in every format with tags. Read with FFmpeg, mutagen and struct."""

from io import BytesIO
from struct import unpack_from
from typing import Any

import av
import mutagen
import numpy as np
import pytest
from audiowriter_core import FORMATS, AudioEncoder, InvalidArgument, Marker
from support.decode import JUDGES
from support.encode import Config, Encoded, collect, config, encode, speechlike

TAGGED = [name for name, row in FORMATS.items() if row.tags]
WITHOUT_URLS = ["m4a", "fmp4", "webm"]
WAVE = ["wav", "wav-mulaw", "wav-alaw"]
RATE = 24_000
PCM = speechlike(RATE * 2).tobytes()
MARKERS = [Marker(RATE, title="Zwei ☃"), Marker(0, title="One"), Marker(36_000, 6_000, title="Three")]
PLACES = [("One", 0.0, 1.0), ("Zwei ☃", 1.0, 1.5), ("Three", 1.5, 1.75)]


def describe(wanted: Config, *markers: list[Marker], pcm: bytes = PCM) -> Encoded:
    encoded = Encoded()
    with AudioEncoder(**wanted) as encoder:
        collect(encoder.start(), encoded)
        for part in markers:
            encoder.describe(markers=part)
        collect(encoder.write(pcm), encoded)
        collect(encoder.finish(), encoded)
    return encoded


def by_ffmpeg(file: bytes) -> list[tuple[str, float, float]]:
    """Return title, start and end of each chapter that FFmpeg finds."""
    with av.open(BytesIO(file), "r") as container:
        found: list[Any] = list(container.chapters())
    times = [[float(one[name] * one["time_base"]) for name in ("start", "end")] for one in found]
    return [(one["metadata"].get("title", ""), *time) for one, time in zip(found, times, strict=True)]


def cues(file: bytes) -> list[tuple[str, int, int, str]]:
    """Return label, position, length and note of each cue point. RIFF MCI, section 3."""
    found: dict[int, list[Any]] = {}
    at = 12
    while at + 8 <= len(file):
        name, size = unpack_from("<4sI", file, at)
        body = file[at + 8 : at + 8 + size]
        if name == b"cue ":
            for entry in range(4, size, 24):
                number, _, chunk, start, block, position = unpack_from("<II4sIII", body, entry)
                assert (chunk, start, block) == (b"data", 0, 0)
                found[number] = ["", position, 0, ""]
        if name == b"LIST" and body[:4] == b"adtl":
            inside = 4
            while inside < size:
                kind, length, number = unpack_from("<4sII", body, inside)
                text = body[inside + 12 : inside + 8 + length]
                if kind == b"ltxt":
                    found[number][2] = unpack_from("<I", text)[0]
                else:
                    found[number][{b"labl": 0, b"note": 3}[kind]] = text.rstrip(b"\0").decode()
                inside += 8 + length + length % 2
        at += 8 + size + size % 2
    return [tuple(found[number]) for number in sorted(found)]


@pytest.mark.parametrize("name", TAGGED)
def test_markers_are_chapters_in_their_order(name: str) -> None:
    encoded = describe(config(name, metadata_bytes=4096), MARKERS[:2], MARKERS[2:])
    if name in WAVE:
        assert cues(encoded.file) == [("One", 0, 0, ""), ("Zwei ☃", RATE, 0, ""), ("Three", 36_000, 6_000, "")]
    else:
        found = by_ffmpeg(encoded.file)
        assert [title for title, _, _ in found] == [title for title, _, _ in PLACES]
        np.testing.assert_allclose([start for _, start, _ in found], [start for _, start, _ in PLACES], atol=1e-3)
    if name in ("mp3", "webm"):  # the other formats have no ends
        np.testing.assert_allclose([end for _, _, end in found], [end for _, _, end in PLACES], atol=1e-3)
    plain = encode(config(name, metadata_bytes=4096), PCM)
    assert [len(chunk.data) for chunk in encoded.chunks] == [len(chunk.data) for chunk in plain.chunks]
    np.testing.assert_array_equal(JUDGES[name](encoded.file), JUDGES[name](plain.file))


@pytest.mark.parametrize("name", [name for name in TAGGED if name not in WITHOUT_URLS])
def test_markers_have_urls(name: str) -> None:
    encoded = describe(config(name, metadata_bytes=4096), [Marker(12_000, title="a", url="https://example.org/a")])
    if name in WAVE:
        assert cues(encoded.file) == [("a", 12_000, 0, "https://example.org/a")]
    elif name == "mp3":
        tags: Any = mutagen.File(BytesIO(encoded.file)).tags
        (chapter,) = tags.getall("CHAP")
        assert chapter.sub_frames["WXXX:"].url == "https://example.org/a"
        assert (chapter.start_time, chapter.end_time) == (500, 2000)
        (contents,) = tags.getall("CTOC")
        assert contents.child_element_ids == [chapter.element_id]
    else:
        assert dict(mutagen.File(BytesIO(encoded.file)).tags.as_dict()) == {
            "chapter000": ["00:00:00.500"], "chapter000name": ["a"], "chapter000url": ["https://example.org/a"],
        }  # fmt: skip


@pytest.mark.parametrize("name", TAGGED)
def test_a_marker_beyond_the_end_is_at_the_end(name: str) -> None:
    encoded = describe(
        config(name, metadata_bytes=4096), [Marker(10 * RATE, 5, title="late"), Marker(0, title="first")]
    )
    if name in WAVE:
        assert cues(encoded.file) == [("first", 0, 0, ""), ("late", 2 * RATE, 0, "")]
    else:
        assert [(title, round(start, 2)) for title, start, _ in by_ffmpeg(encoded.file)] == [("first", 0), ("late", 2)]
    assert len(JUDGES[name](encoded.file)) == len(JUDGES[name](encode(config(name), PCM).file))


def test_positions_are_at_the_rate_of_the_input() -> None:
    wanted = config("wav", 48_000, out_rate=16_000, metadata_bytes=4096)
    assert cues(describe(wanted, [Marker(24_000, 12_000, "x")]).file) == [("x", 8_000, 4_000, "")]


@pytest.mark.parametrize("name", TAGGED)
def test_255_markers_with_the_longest_titles_fit(name: str) -> None:
    markers = [Marker(number * 100, title=f"{number:03d}" + "é" * 40) for number in range(255)]
    encoded = describe(config(name, metadata_bytes=65_536), markers)
    assert len(encoded.finished.header) <= len(encoded.chunks[0].data)
    found = [one[0] for one in (cues(encoded.file) if name in WAVE else by_ffmpeg(encoded.file))]
    assert found == [marker.title for marker in markers]


@pytest.mark.parametrize("name", [name for name in TAGGED if name != "m4a"])
def test_a_marker_that_does_not_fit_is_refused_by_name(name: str) -> None:
    with AudioEncoder(**config(name, metadata_bytes=250)) as encoder:
        encoder.start()
        encoder.describe(markers=[Marker(0, title="fits")])
        words = r"markers\[\d\].* bytes in the head of the file, and \d+ are left"
        with pytest.raises(InvalidArgument, match=words):
            encoder.describe(markers=[Marker(9, title="a"), *[Marker(5, title="x" * 200)] * 3])
        encoder.describe(markers=[Marker(9, title="a")])


@pytest.mark.parametrize(
    ("name", "markers", "field", "words"),
    [
        ("aac", [Marker(0)], "markers", "aac has no markers"),
        ("mp3", "x", "markers", "takes a list of markers"),
        ("mp3", ["x"], "markers[0]", "takes a Marker"),
        ("mp3", [Marker(-1)], "markers[0].position", "-1: takes a number of samples"),
        ("mp3", [Marker(0, -1)], "markers[0].length", "-1: takes a number of samples"),
        ("mp3", [Marker(0, title="x" * 256)], "markers[0].title", "at most 255 bytes"),
        ("mp3", [Marker(0, title="a\0")], "markers[0].title", "at most 255 bytes, without NUL"),
        ("mp3", [Marker(0, url="x" * 1025)], "markers[0].url", "at most 1024 printable ASCII characters"),
        ("mp3", [Marker(0, url="http://é")], "markers[0].url", "at most 1024 printable ASCII characters"),
        ("webm", [Marker(0, url="x")], "markers[0].url", "webm has no URLs of markers"),
        ("mp3", [Marker(0)] * 256, "markers", "256 markers: audiowriter takes at most 255"),
    ],
)
def test_a_bad_marker_is_refused(name: str, markers: Any, field: str, words: str) -> None:
    with AudioEncoder(**config(name, metadata_bytes=4096 if FORMATS[name].tags else 0)) as encoder:
        encoder.start()
        with pytest.raises(InvalidArgument, match=words) as caught:
            encoder.describe(markers=markers)
        assert [violation.field for violation in caught.value.violations] == [field]
        encoder.write(PCM)
        encoder.finish()


@pytest.mark.parametrize("name", TAGGED)
@pytest.mark.parametrize("out_rate", [8_000, 48_000])
def test_the_highest_positions_have_room(name: str, out_rate: int) -> None:
    highest = 2**40
    with AudioEncoder(**config(name, 8_000, out_rate=out_rate, metadata_bytes=4096)) as encoder:
        encoder.start()
        encoder.describe(markers=[Marker(highest, highest, "x"), Marker(1, highest, "y")])
        for bad in (Marker(highest + 1), Marker(0, highest + 1), Marker(2**63 - 1)):
            with pytest.raises(InvalidArgument, match="takes a number of samples, 0 to 1099511627776"):
                encoder.describe(markers=[bad])
        encoder.write(PCM)
        encoder.finish()
