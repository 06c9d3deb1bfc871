"""`audiowriter encode -`: files and raw PCM on stdin."""

import os
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import av
import click
import numpy as np
import pytest
import soundfile
from audiowriter_cli.audio import PcmFormat, RawOptions, Source
from audiowriter_cli.decoders import open_file
from audiowriter_cli.ffmpeg import decode
from audiowriter_cli.stdin import open_stdin
from audiowriter_client import AudioWriter, stream_config
from audiowriter_client.pcm import PcmLayout
from numpy.typing import NDArray
from support.command import COMMAND, run
from support.media import ADTS_FRAME, MP3_FRAME, TS_PACKET, write

RATE_HZ = 24000
OURS = {
    "wav": "wav",
    "flac": "flac",
    "vorbis": "ogg",
    "opus": "opus",
    "mp3": "mp3",
    "aac": "aac",
    "m4a": "m4a",
    "fmp4": "mp4",
    "webm": "webm",
}
LIBSNDFILES = [
    ("WAV", "PCM_U8", "FILE"),
    ("WAV", "PCM_16", "FILE"),
    ("WAV", "PCM_24", "FILE"),
    ("WAV", "PCM_32", "FILE"),
    ("WAV", "FLOAT", "FILE"),
    ("WAV", "DOUBLE", "FILE"),
    ("WAV", "ULAW", "FILE"),
    ("WAV", "PCM_16", "BIG"),
    ("WAVEX", "PCM_24", "FILE"),
    ("RF64", "PCM_16", "FILE"),
    ("AIFF", "PCM_24", "FILE"),
    ("W64", "PCM_16", "FILE"),
    ("AU", "PCM_16", "FILE"),
    ("CAF", "ALAC_16", "FILE"),
    ("VOC", "PCM_16", "FILE"),
    ("FLAC", "PCM_24", "FILE"),
]


def encoded(target: str, path: Path, samples: NDArray[np.int16], name: str, **options: Any) -> Path:
    config = stream_config(format=name, sample_rate_hz=RATE_HZ, **options)
    with AudioWriter.open(target, config, path) as writer:
        writer.write(samples)
    return path


Open = Callable[..., Source]
NO_OPTIONS = RawOptions()
PATIENCE_S = 60.0


class Pause:
    """Keeps a pipe open after its bytes."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self.was_cut = False

    def wait(self) -> None:
        self.was_cut = not self._over.wait(PATIENCE_S)  # then the reader continues, and the test fails

    def end(self) -> None:
        self._over.set()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Yield a function that opens a pipe with these bytes as stdin."""
    with ExitStack() as stack:

        def open_pipe(data: bytes, raw: RawOptions = NO_OPTIONS, pause: Pause | None = None) -> Source:
            reading, writing = os.pipe()

            def write_all() -> None:
                with suppress(BrokenPipeError), os.fdopen(writing, "wb", buffering=0) as file:
                    file.write(data)
                    if pause:
                        pause.wait()

            threading.Thread(target=write_all, daemon=True).start()
            monkeypatch.setattr(sys, "stdin", stack.enter_context(os.fdopen(reading, "rb")))
            return stack.enter_context(open_stdin(raw))

        yield open_pipe


def content(source: Source) -> tuple[PcmFormat, bytes]:
    pcm = source.format
    config = stream_config(
        format="pcm",
        sample_rate_hz=pcm.sample_rate_hz,
        channels=pcm.channels,
        sample_format=pcm.sample_format,
    )
    layout = PcmLayout(config.input)
    return pcm, b"".join(bytes(layout.to_bytes(block)) for block in source.blocks)


@pytest.mark.parametrize("name", OURS)
def test_pipe_is_decoded_like_the_file(
    opened: Open, target: str, tmp_path: Path, samples: NDArray[np.int16], name: str
) -> None:
    path = encoded(target, tmp_path / f"in.{OURS[name]}", samples, name)
    with av.open(path) as container:
        expected = content(decode(container, "file"))
    assert content(opened(path.read_bytes())) == expected


@pytest.mark.parametrize(("container", "subtype", "endian"), LIBSNDFILES)
def test_pipe_is_decoded_like_by_libsndfile(
    opened: Open, tmp_path: Path, container: str, subtype: str, endian: str
) -> None:
    noise = np.random.default_rng(2).uniform(-0.5, 0.5, (20000, 2))
    path = tmp_path / "in"
    soundfile.write(path, noise, RATE_HZ, subtype, endian, container)
    with open_file(str(path)) as source:
        expected = content(source)
    assert content(opened(path.read_bytes())) == expected


@pytest.mark.parametrize("name", ["raw", *(name for name in OURS if name != "m4a")])  # its index is at the end
def test_live_pipe_is_not_delayed(
    opened: Open, target: str, tmp_path: Path, samples: NDArray[np.int16], name: str
) -> None:
    """Three quarters of the file are decoded before its end arrives."""
    path = encoded(target, tmp_path / "in", samples, {"raw": "pcm"}.get(name, name))
    data = path.read_bytes()
    pause, frames = Pause(), 0.0
    source = opened(data[: len(data) * 3 // 4], RawOptions(None, RATE_HZ if name == "raw" else None), pause)
    while frames < 6000:  # FFmpeg reads ten frames of FLAC ahead
        frames += source.frames_in(next(source.blocks))
    pause.end()
    assert not pause.was_cut


@pytest.mark.parametrize("name", ["wav", "raw"])
def test_live_pcm_is_not_delayed_for_a_block(opened: Open, name: str) -> None:
    """Twenty milliseconds are read, with or without a header."""
    pcm = bytes(range(240)) * 4
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 0, b"WAVE", b"fmt ", 16, 1, 1, RATE_HZ, 48000, 2, 16, b"data", 0
    )
    pause, data = Pause(), b""
    source = opened(header + pcm if name == "wav" else pcm, RawOptions(None, RATE_HZ), pause)
    while len(data) < len(pcm):
        data += bytes(next(source.blocks))
    pause.end()
    assert (data, pause.was_cut) == (pcm, False)


def test_header_of_a_wav_is_not_audio(target: str, speech: Path, samples: NDArray[np.int16]) -> None:
    options = ["--format", "pcm", "--target", target, "--quiet", "--input-rate", "24000"]
    done = run("encode", "-", "-", *options, stdin=speech.read_bytes())
    assert (done.returncode, done.stdout, done.stderr) == (0, samples.tobytes(), b"")


def test_input_format_selects_raw_pcm(target: str, speech: Path) -> None:
    options = ["--format", "pcm", "--target", target, "--quiet", "--input-rate", "24000", "--input-format", "s16le"]
    done = run("encode", "-", "-", *options, stdin=speech.read_bytes())
    assert (done.returncode, done.stdout) == (0, speech.read_bytes())


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (RawOptions(None, 48000), "--input-rate 48000: stdin is WAV with 24000"),
        (RawOptions(None, 24000, 2), "--input-channels 2: stdin is WAV with 1"),
    ],
)
def test_file_that_contradicts_the_options_is_refused(
    opened: Open, speech: Path, raw: RawOptions, message: str
) -> None:
    with pytest.raises(click.UsageError) as caught:
        opened(speech.read_bytes(), raw)
    assert caught.value.message == f"{message}; add --input-format if it is raw PCM"


@pytest.mark.parametrize("raw", [RawOptions(), RawOptions(None, None, 2)])
def test_unknown_input_without_options_is_refused(opened: Open, raw: RawOptions) -> None:
    with pytest.raises(click.UsageError) as caught:
        opened(bytes(1000), raw)
    assert caught.value.message == (
        "stdin is not a known kind of audio file: raw PCM needs --input-rate, and --input-format if it is not s16le"
    )


@pytest.mark.parametrize("start", [b"fLaC", b"\0\0\0\x08moov", b"\0\0\0\x08mdat", b"RIFF\0\0\0\0WAVE"])
def test_file_with_only_a_valid_start_is_refused(opened: Open, start: bytes) -> None:
    with pytest.raises(click.ClickException, match=r"stdin looks like .*, but no decoder can read it"):
        opened(start + bytes(1000))


def test_file_on_stdin_is_read_from_its_position(target: str, tmp_path: Path, samples: NDArray[np.int16]) -> None:
    m4a = write(tmp_path / "in.m4a", samples[:, None], RATE_HZ, "alac")  # its index is at the end
    (tmp_path / "in").write_bytes(b"before" + m4a.read_bytes())
    with (tmp_path / "in").open("rb") as stdin:
        stdin.seek(6)
        subprocess.run(
            [COMMAND, "encode", "-", tmp_path / "out.wav", "--target", target], stdin=stdin, check=True, timeout=60
        )
    np.testing.assert_array_equal(soundfile.read(tmp_path / "out.wav", dtype="int16")[0], samples)


@pytest.mark.parametrize(("options", "copied"), [({"movflags": "faststart"}, False), ({}, True)])
def test_only_an_index_at_the_end_requires_a_copy(
    opened: Open,
    tmp_path: Path,
    samples: NDArray[np.int16],
    options: dict[str, str],
    copied: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copy = Mock(wraps=tempfile.TemporaryFile)
    monkeypatch.setattr(tempfile, "TemporaryFile", copy)
    path = write(tmp_path / "in.m4a", samples[:, None], RATE_HZ, "alac", options=options)
    assert content(opened(path.read_bytes())) == (PcmFormat("s16le", RATE_HZ, 1), samples.tobytes())
    assert copy.call_count == copied


def test_mp3_after_its_tags_is_exact_to_the_sample(
    opened: Open, target: str, tmp_path: Path, samples: NDArray[np.int16]
) -> None:
    path = encoded(target, tmp_path / "in.mp3", samples, "mp3", tags={"title": "long" * 1000})
    assert path.read_bytes().startswith(b"ID3")
    _, data = content(opened(path.read_bytes()))
    found = np.frombuffer(data, np.float32)
    assert len(found) == len(samples)
    assert np.corrcoef(found, samples)[0, 1] > 0.99


def test_truncated_wav_ends_with_its_last_complete_sample(opened: Open, tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(-(2**15), 2**15, (5000, 2)).astype(np.int16)
    soundfile.write(tmp_path / "in.wav", noise, RATE_HZ)
    _, data = content(opened((tmp_path / "in.wav").read_bytes()[:-5]))
    assert data == noise[:-2].tobytes()


def test_chunks_around_the_samples_are_not_audio(opened: Open) -> None:
    pcm = np.arange(5001, dtype=np.uint16).astype(np.uint8).tobytes()
    chunks = [
        (b"JUNK", bytes(27)),
        (b"fmt ", struct.pack("<HHIIHH", 1, 1, RATE_HZ, RATE_HZ, 1, 8)),
        (b"LIST", b"odd"),
        (b"data", pcm),
        (b"LIST", b"INFO"),
    ]
    body = b"".join(struct.pack("<4sI", name, len(data)) + data + bytes(len(data) % 2) for name, data in chunks)
    file = struct.pack("<4sI4s", b"RIFF", 4 + len(body), b"WAVE") + body
    assert content(opened(file)) == (PcmFormat("u8", RATE_HZ, 1), pcm)


@pytest.mark.parametrize("frame", [MP3_FRAME, ADTS_FRAME, TS_PACKET, b"ID3\x04\0\0\xff\0\0\0", b"RIFT"])
def test_pcm_that_begins_like_a_frame_is_not_a_file(opened: Open, frame: bytes) -> None:
    noise = np.random.default_rng(4).integers(0, 256, 2000, np.uint8).tobytes()
    assert content(opened(frame + noise, RawOptions(None, RATE_HZ))) == (
        PcmFormat("s16le", RATE_HZ, 1),
        frame + noise,
    )
