"""Encodes PCM to finished audio files in this process, without network, threads or asyncio.

    with open_audio("speech.mp3", sample_rate_hz=24_000, bitrate_bps=64_000) as file:
        file.write(samples)

`AudioEncoder` does the same without I/O: it takes PCM and returns events.
"""

from .audio.arrays import Pcm
from .audio.loudness import Loudness
from .description import Marker, Picture
from .encoder import AudioEncoder
from .errors import AudioWriterError, EncodeError, InvalidArgument, ResumeMismatch, Violation, WrongState
from .events import Chunk, Event, Finished, Flushed, Started
from .file import AudioFile, open_audio
from .formats import FORMATS, Format, format_for_extension
from .resumed import ResumedEncoder, ResumePoint
from .states import State

__all__ = [
    "FORMATS",
    "AudioEncoder",
    "AudioFile",
    "AudioWriterError",
    "Chunk",
    "EncodeError",
    "Event",
    "Finished",
    "Flushed",
    "Format",
    "InvalidArgument",
    "Loudness",
    "Marker",
    "Pcm",
    "Picture",
    "ResumeMismatch",
    "ResumePoint",
    "ResumedEncoder",
    "Started",
    "State",
    "Violation",
    "WrongState",
    "format_for_extension",
    "open_audio",
]
