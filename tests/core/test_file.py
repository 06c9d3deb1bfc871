"""open_audio: the file appears complete or not at all, with its header replaced if the file can seek."""

import os
from io import BytesIO, FileIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import soundfile
from audiowriter_core import FORMATS, EncodeError, InvalidArgument, open_audio

SAMPLES = (np.sin(np.arange(24_000) / 20) * 8000).astype(np.int16)


def encode(file: str | Path | BinaryIO, name: str | None = None) -> None:
    with open_audio(file, format=name, sample_rate_hz=24_000) as audio:
        for start in range(0, len(SAMPLES), 5000):
            audio.write(SAMPLES[start : start + 5000])


def length(path: Path) -> int:
    with soundfile.SoundFile(path) as file:
        return int(file.frames)


@pytest.mark.parametrize("extension", [".wav", ".flac", ".mp3", ".ogg", ".opus"])
def test_a_path_contains_the_finished_file(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"speech{extension}"
    encode(path)
    assert length(path) == len(SAMPLES)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_to_a_file_in_memory(name: str) -> None:
    file = BytesIO(b"before")
    file.seek(0, os.SEEK_END)
    encode(file, name)
    data = file.getvalue()
    assert data.startswith(b"before")
    fresh = BytesIO()
    encode(fresh, name)
    assert len(data) == len(b"before") + len(fresh.getvalue())


def test_an_exception_keeps_the_existing_file(tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="stop"), open_audio(path, sample_rate_hz=24_000) as audio:
        audio.write(SAMPLES)
        raise RuntimeError("stop")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_incomplete_frame_leaves_no_file(tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidArgument, match="ends with 1 of the 2 bytes of a frame"),
        open_audio(tmp_path / "speech.wav", sample_rate_hz=24_000) as audio,
    ):
        audio.write(b"\0")
    assert not list(tmp_path.iterdir())


def test_the_header_of_an_unbuffered_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    with FileIO(path, "w") as file:
        encode(file)
    assert length(path) == len(SAMPLES)


def test_a_file_in_append_mode_keeps_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    path.write_bytes(b"before")
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    with FileIO(descriptor, "w") as file:
        encode(file, "wav")
    assert path.read_bytes()[:10] == b"beforeRIFF"


def test_an_error_names_a_missing_folder_as_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "speech.wav"
    with pytest.raises(FileNotFoundError) as caught:
        encode(path)
    assert caught.value.filename == str(path)


def test_an_error_names_a_relative_missing_folder_as_it_was_given() -> None:
    with pytest.raises(FileNotFoundError) as caught:
        encode("missing-folder/speech.wav")
    assert caught.value.filename == "missing-folder/speech.wav"


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="this system has no /dev/fd")
def test_a_pipe_named_by_its_descriptor_receives_the_live_bytes() -> None:
    reading, writing = os.pipe()
    try:
        with open_audio(f"/dev/fd/{writing}", format="pcm", sample_rate_hz=24_000) as audio:
            audio.write(SAMPLES[:1000])
        assert os.read(reading, 10_000) == SAMPLES[:1000].tobytes()
    finally:
        os.close(reading)
        os.close(writing)


def test_an_unknown_extension_requires_a_format(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"format: unknown extension '\.xyz': pass one of wav, vorbis"):
        encode(tmp_path / "speech.xyz")


def test_started_flush_and_result(tmp_path: Path) -> None:
    with open_audio(tmp_path / "speech.opus", sample_rate_hz=24_000, bitrate_bps=32_000) as audio:
        assert audio.started.output.bitrate_bps == 32_000
        audio.write(SAMPLES)
        assert audio.flush().input_samples == len(SAMPLES)
        assert audio.bytes_written
        with pytest.raises(ValueError, match="no result before close"):
            audio.result  # noqa: B018
    assert audio.result.output_samples == len(SAMPLES)
    assert audio.result.file_bytes == (tmp_path / "speech.opus").stat().st_size
    with pytest.raises(ValueError, match="closed"):
        audio.write(SAMPLES)
    audio.close()


def test_a_codec_that_fails_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise EncodeError("lame: -1")

    monkeypatch.setattr("audiowriter_core.codecs.mp3.Mp3Codec.encode", fail)
    with pytest.raises(EncodeError), open_audio(tmp_path / "speech.mp3", sample_rate_hz=24_000) as audio:
        audio.write(SAMPLES)
    assert not list(tmp_path.iterdir())
