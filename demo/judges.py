"""Decoders that did not write the files: one a format."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import av
import miniaudio
import numpy as np
import soundfile
from numpy.typing import NDArray

Decoded = NDArray[Any]
"""Shape (frames,): the demo is mono."""


def by_libsndfile(path: Path) -> Decoded:
    """WAV by its own reader, MP3 by mpg123, Opus by libopus."""
    samples: Decoded = soundfile.read(path, dtype="int16")[0]
    return samples


def by_miniaudio(path: Path) -> Decoded:
    """FLAC by dr_flac, Vorbis by stb_vorbis."""
    info = miniaudio.get_file_info(str(path))
    decoded = miniaudio.decode_file(str(path), nchannels=info.nchannels, sample_rate=info.sample_rate)
    return np.frombuffer(decoded.samples, np.int16)


def by_ffmpeg(path: Path, **options: Any) -> Decoded:
    """AAC by FFmpeg's decoder: no other one comes in a wheel. G.711 by its tables."""
    with av.open(str(path), **options) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


def by_raw_ffmpeg(law: str) -> Callable[[Path], Decoded]:
    """Raw G.711, 24 kHz."""
    return partial(by_ffmpeg, format=law, options={"sample_rate": "24000"})


def by_frame_durations(path: Path) -> Decoded:
    """MP4 by FFmpeg, each frame cut to its duration, which libavcodec leaves to its callers."""
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray()[0][: frame.duration] for frame in container.decode(audio=0)])


def by_ffmpeg_at_48_khz(path: Path) -> Decoded:
    """Opus decodes at 48 kHz: two samples for each that went in at 24 kHz."""
    return by_ffmpeg(path)[::2]


def by_numpy(path: Path) -> Decoded:
    """Raw samples."""
    return np.fromfile(path, "<i2")


JUDGES: dict[str, tuple[str, Callable[[Path], Decoded]]] = {
    "wav": ("libsndfile", by_libsndfile),
    "vorbis": ("stb_vorbis", by_miniaudio),
    "opus": ("libsndfile (libopus)", by_libsndfile),
    "flac": ("dr_flac", by_miniaudio),
    "mp3": ("libsndfile (mpg123)", by_libsndfile),
    "aac": ("FFmpeg", by_ffmpeg),
    "pcm": ("numpy", by_numpy),
    "wav-mulaw": ("FFmpeg", by_ffmpeg),
    "wav-alaw": ("FFmpeg", by_ffmpeg),
    "mulaw": ("FFmpeg", by_raw_ffmpeg("mulaw")),
    "alaw": ("FFmpeg", by_raw_ffmpeg("alaw")),
    "m4a": ("FFmpeg", by_frame_durations),
    "fmp4": ("FFmpeg", by_frame_durations),
    "webm": ("FFmpeg", by_ffmpeg_at_48_khz),
}
"""By the format's name: who judges, and how."""
