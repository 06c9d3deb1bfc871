"""`audiowriter encode`: what describes the audio in the head of a file, with a server and without."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
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
