"""Decodes audio files. Tries libsndfile, then FFmpeg through PyAV, then an ffmpeg program through pydub."""

import shutil
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import av
import click
import numpy as np
import soundfile
from audiowriter_client.pcm import Pcm
from numpy.typing import NDArray

from audiowriter_cli.audio import BLOCK_FRAMES, PcmFormat, Source
from audiowriter_cli.ffmpeg import NoAudio, decode

# libsndfile subtype -> numpy type to read, sample format of the result. All other subtypes are lossy codecs. They decode
# to floats, which may exceed full scale.
_SUBTYPES = {
    **dict.fromkeys(["PCM_S8", "PCM_U8"], ("int16", "u8")),
    **dict.fromkeys(["PCM_16", "ALAC_16", "ULAW", "ALAW"], ("int16", "s16le")),
    **dict.fromkeys(["PCM_24", "ALAC_20", "ALAC_24"], ("int32", "s24le")),
    **dict.fromkeys(["PCM_32", "ALAC_32"], ("int32", "s32le")),
    "DOUBLE": ("float64", "f64le"),
}
# If a file does not contain its length, libsndfile returns a length near the maximum of int64.
_MAX_FRAMES = 2**48


class _SoundFile(soundfile.SoundFile):  # type: ignore[misc]
    def seekable(self) -> bool:
        """Return False, so that soundfile does not seek.

        soundfile seeks to the current position after each read. mpg123 then drops its bit reservoir and decodes the
        next frames of an MP3 wrongly.
        """
        return False


class SeekableFile(Protocol):
    """A binary file that can seek."""

    def read(self, size: int, /) -> bytes: ...
    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def tell(self) -> int: ...


@contextmanager
def open_file(name: str) -> Iterator[Source]:
    """Open an audio file. Raises OSError, or ClickException if no decoder can read it."""
    with Path(name).open("rb"):
        pass  # if the file is missing, the error of the system is clearer than that of a decoder
    with ExitStack() as stack:
        try:
            source = decode_file(name, name, stack)
        except UNREADABLE:
            source = _pydub_source(name)
        yield source


UNREADABLE = (av.FFmpegError, NoAudio)
"""Raised by `decode_file` and `decode` if they cannot read a file."""


def decode_file(file: str | SeekableFile, name: str, stack: ExitStack) -> Source:
    """Decode a file with libsndfile or FFmpeg. `name` is for error messages. `stack` closes the decoder."""
    try:
        return _soundfile_source(stack.enter_context(_SoundFile(file)), name)
    except soundfile.LibsndfileError:
        pass
    if isinstance(file, str):
        file = f"file:{file}"  # without it, FFmpeg takes the text before a colon for a protocol
    else:
        file.seek(0)
    return decode(stack.enter_context(av.open(file, "r")), name)


def _soundfile_source(file: _SoundFile, name: str) -> Source:
    dtype, sample_format = _SUBTYPES.get(file.subtype, ("float32", "f32le"))

    def blocks() -> Iterator[Pcm]:
        try:
            while len(block := file.read(BLOCK_FRAMES, dtype=dtype, always_2d=True)):
                yield _narrow(block, sample_format)
        except soundfile.LibsndfileError as error:
            raise click.ClickException(f"{name}: {error.error_string}") from error

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
        raise click.ClickException(f"{name}: neither libsndfile nor PyAV can read it, and no ffmpeg is on PATH")
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
    blocks = (samples[start : start + BLOCK_FRAMES] for start in range(0, len(samples), BLOCK_FRAMES))
    return Source(PcmFormat(sample_format, segment.frame_rate, segment.channels), blocks, len(samples))
