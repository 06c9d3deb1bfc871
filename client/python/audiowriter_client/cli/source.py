"""PCM from whatever the command is given: files that libsndfile or FFmpeg can read, and raw PCM."""

import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import click
import numpy as np
import soundfile
from numpy.typing import NDArray

from audiowriter_client.pcm import Pcm

_BLOCK_FRAMES = 16384
_BLOCK_BYTES = 64 * 1024

_SAMPLE_BYTES = {"u8": 1, "s16le": 2, "s24le": 3, "s32le": 4, "f32le": 4, "f64le": 8}

# libsndfile subtype -> how to read it, and what that is: the file's own samples where it has such. All others are lossy
# codecs that decode to floats, and may decode to more than full scale.
_SUBTYPES = {
    **dict.fromkeys(["PCM_S8", "PCM_U8"], ("int16", "u8")),
    **dict.fromkeys(["PCM_16", "ALAC_16", "ULAW", "ALAW"], ("int16", "s16le")),
    **dict.fromkeys(["PCM_24", "ALAC_20", "ALAC_24"], ("int32", "s24le")),
    **dict.fromkeys(["PCM_32", "ALAC_32"], ("int32", "s32le")),
    "DOUBLE": ("float64", "f64le"),
}
# What libsndfile gives for the length of a file that doesn't say it is near the end of int64.
_MAX_FRAMES = 2**48


@dataclass(frozen=True)
class PcmFormat:
    """What PCM does not say about itself."""

    sample_format: str
    sample_rate_hz: int
    channels: int

    @property
    def frame_bytes(self) -> int:
        """Size of one sample of all channels."""
        return _SAMPLE_BYTES[self.sample_format] * self.channels


@dataclass(frozen=True)
class Source:
    """Audio to encode."""

    format: PcmFormat
    blocks: Iterator[Pcm]
    frames: int | None  # None: unknown

    def frames_in(self, block: Pcm) -> float:
        """Length of a block in samples a channel."""
        return len(block) if isinstance(block, np.ndarray) else len(block) / self.format.frame_bytes


@contextmanager
def open_source(name: str, raw: PcmFormat | None) -> Iterator[Source]:
    """Open the file `name`, or stdin for "-". `raw` says that it is raw PCM and of what kind.

    Raises OSError, or ClickException where it is not audio that can be read.
    """
    if raw is not None:
        if name == "-":
            yield _raw_source(FileIO(sys.stdin.fileno(), closefd=False), raw, None)
            return
        path = Path(name)
        with FileIO(path) as file:
            yield _raw_source(file, raw, path.stat().st_size)
        return
    with Path(name).open("rb"):
        pass  # a missing file is better explained by the system than by a decoder
    try:
        file = soundfile.SoundFile(name)
    except soundfile.LibsndfileError:
        yield _pydub_source(name)
        return
    with file:
        yield _soundfile_source(file)


def _raw_source(file: FileIO, raw: PcmFormat, size: int | None) -> Source:
    # Without a buffer read() gives what is there: a live pipe is not held back until a block is full.
    blocks = iter(lambda: file.read(_BLOCK_BYTES), b"")
    return Source(raw, blocks, None if size is None else size // raw.frame_bytes)


def _soundfile_source(file: soundfile.SoundFile) -> Source:
    dtype, sample_format = _SUBTYPES.get(file.subtype, ("float32", "f32le"))

    def blocks() -> Iterator[Pcm]:
        while len(block := file.read(_BLOCK_FRAMES, dtype=dtype, always_2d=True)):
            yield _narrow(block, sample_format)

    frames = file.frames if file.frames < _MAX_FRAMES else None
    return Source(PcmFormat(sample_format, file.samplerate, file.channels), blocks(), frames)


def _narrow(block: NDArray[Any], sample_format: str) -> NDArray[Any]:
    # libsndfile puts narrow samples in the high bits.
    match sample_format:
        case "u8":
            return ((block >> 8) + 128).astype(np.uint8)
        case "s24le":
            return block >> 8
        case _:
            return block


def _pydub_source(name: str) -> Source:
    if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
        raise click.ClickException(f"{name}: libsndfile can't read it, and FFmpeg, which might, is not on PATH")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pydub's own use of what is deprecated
        import pydub
    try:
        segment = pydub.AudioSegment.from_file(name)
    except (
        pydub.exceptions.CouldntDecodeError,
        LookupError,
    ) as error:  # LookupError: FFmpeg reads it, but finds no audio
        raise click.ClickException(f"{name}: neither libsndfile nor FFmpeg can read it") from error
    samples = np.frombuffer(segment.raw_data, f"<i{segment.sample_width}").reshape(-1, segment.channels)
    if segment.sample_width == 1:
        samples = (samples.view(np.uint8)) ^ 0x80  # pydub's 8 bits are signed
    sample_format = {1: "u8", 2: "s16le", 4: "s32le"}[segment.sample_width]
    blocks = (samples[start : start + _BLOCK_FRAMES] for start in range(0, len(samples), _BLOCK_FRAMES))
    return Source(PcmFormat(sample_format, segment.frame_rate, segment.channels), blocks, len(samples))
