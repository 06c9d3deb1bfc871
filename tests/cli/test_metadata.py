"""`audiowriter encode`: what describes the audio in the head of a file, with a server and without."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from audiowriter_cli.chapters import seconds
from mutagen.flac import FLAC
from numpy.typing import NDArray
from support.command import run
from support.pictures import png

ways = pytest.mark.parametrize("remote", [False, True], ids=["local", "target"])


def encode(speech: Path, out: Path, target: str | None, *options: str | Path) -> str:
    """Run the command; return what it says. Without a target it encodes in its own process."""
    done = run("encode", speech, out, *(["--target", target] if target else []), *options)
    return done.stderr.decode()


@ways
def test_a_wav_header_can_have_44_bytes(
    target: str, tmp_path: Path, speech: Path, samples: NDArray[np.int16], remote: bool
) -> None:
    out = tmp_path / "out.wav"
    encode(speech, out, target if remote else None, "--wav-header", "minimal")
    assert out.read_bytes()[44:] == samples.tobytes()
    np.testing.assert_array_equal(soundfile.read(out, dtype="int16")[0], samples)


@ways
def test_a_file_has_a_cover(target: str, tmp_path: Path, speech: Path, remote: bool) -> None:
    cover, out = tmp_path / "cover.png", tmp_path / "out.flac"
    cover.write_bytes(png())
    encode(speech, out, target if remote else None, "--cover", cover)
    (picture,) = FLAC(out).pictures
    assert (picture.data, picture.mime) == (png(), "image/png")


def test_a_cover_that_cannot_be_read_is_an_error_of_its_option(tmp_path: Path, speech: Path) -> None:
    said = encode(speech, tmp_path / "out.flac", None, "--cover", tmp_path / "none.png")
    assert "--cover" in said and "No such file" in said
    assert "takes a JPEG or PNG file" in encode(speech, tmp_path / "out.flac", None, "--cover", speech)
    assert not (tmp_path / "out.flac").exists()


VTT = """WEBVTT

1
00:00.000 --> 00:01.000
First &amp; <b>one</b>

00:00:01.000 --> 00:00:02.500 align:start
Second
line
"""

FFMETADATA = """;FFMETADATA1
title=Whole

[CHAPTER]
TIMEBASE=1/1000
START=0
END=1000
title=First \\= one

[CHAPTER]
TIMEBASE=1/1000
START=1000
END=2500
title=Second
"""


def chapters_of(path: Path) -> list[tuple[str, float]]:
    with av.open(path, "r") as container:
        found: list[Any] = list(container.chapters())
    return [(one["metadata"]["title"], float(one["start"] * one["time_base"])) for one in found]


@ways
@pytest.mark.parametrize("extension", ["mp3", "m4a", "opus"])
def test_markers_are_chapters(target: str, tmp_path: Path, speech: Path, remote: bool, extension: str) -> None:
    out = tmp_path / f"out.{extension}"
    encode(speech, out, target if remote else None, "--marker", "0:01.5=Two = 2", "--marker", "0=One")
    assert chapters_of(out) == [("One", 0.0), ("Two = 2", 1.5)]


@pytest.mark.parametrize(
    ("text", "titles"),
    [(VTT, ["First & one", "Second line"]), (FFMETADATA, ["First = one", "Second"])],
    ids=["webvtt", "ffmetadata"],
)
def test_chapters_come_from_a_file(tmp_path: Path, speech: Path, text: str, titles: list[str]) -> None:
    (tmp_path / "chapters").write_text(text)
    encode(speech, tmp_path / "out.mp3", None, "--chapters", tmp_path / "chapters")
    assert chapters_of(tmp_path / "out.mp3") == list(zip(titles, [0.0, 1.0], strict=True))


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--marker", "5", "'5' is not a marker: expected TIME=TITLE"),
        ("--marker", "x=Title", "'x' is not a time: expected [[HOURS:]MINUTES:]SECONDS"),
        ("--chapters", "none", "No such file"),
        ("--chapters", "in.wav", "codec can't decode"),
    ],
)
def test_bad_chapters_are_an_error_of_their_option(
    tmp_path: Path, speech: Path, option: str, value: str, words: str
) -> None:
    path = speech if value == "in.wav" else value
    said = encode(speech, tmp_path / "out.mp3", None, option, path)
    assert f"Invalid value for '{option}'" in said and words in said
    assert not (tmp_path / "out.mp3").exists()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("TIMEBASE=1/0\nSTART=0\nEND=1", "TIMEBASE=1/0: expected seconds, such as 1/1000"),
        ("TIMEBASE=1/1\nSTART=0\nEND=1000000001", "END=1000000001: expected at most 1000000000 s"),
        ("START=0", "a [CHAPTER] without 'END'"),
    ],
)
def test_bad_times_in_ffmpeg_metadata_are_an_error_of_their_option(
    tmp_path: Path, speech: Path, lines: str, words: str
) -> None:
    (tmp_path / "chapters").write_text(f";FFMETADATA1\n[CHAPTER]\n{lines}\n")
    said = encode(speech, tmp_path / "out.mp3", None, "--chapters", tmp_path / "chapters")
    assert "Invalid value for '--chapters'" in said and words in said


@pytest.mark.parametrize(
    ("text", "expected"), [("5", 5), ("1:02.5", 62.5), ("1:00:00", 3600), ("0:00:01.250", 1.25), ("90:00", 5400)]
)
def test_times_have_hours_and_minutes(text: str, expected: float) -> None:
    assert seconds(text) == expected
