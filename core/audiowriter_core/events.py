"""The events that AudioEncoder returns: Started first, then Chunk and Flushed in the order of the file, Finished last."""

from dataclasses import dataclass
from typing import NamedTuple

from .audio.loudness import Loudness
from .options import OutputOptions


@dataclass(frozen=True, slots=True)
class Started:
    """The first event. It has the options with all defaults filled in."""

    output: OutputOptions
    mime_type: str
    """For example "audio/mpeg"."""
    file_extension: str
    """With the dot, for example ".mp3"."""
    delay_samples: int
    """Samples per channel, at the file's rate, that the codec adds before the first one (encoder delay, pre-skip)."""
    serial: int
    """The number from which everything random in the file follows. The same options, serial, PCM and flushes give the same
    bytes, on the same version of this library and the same kind of CPU."""


class Chunk(NamedTuple):  # not a dataclass, because most events are chunks, and a tuple is made in a third of the time
    """Encoded bytes to append to the file."""

    data: bytes
    offset: int
    """Position of the first byte in the file."""
    input_samples: int
    """Samples per channel, at the input's rate, received before this chunk was returned."""
    output_samples: int = 0
    """Samples per channel, at the file's rate, whose packets end with this chunk or before it, without the codec's delay. 0:
    none, or the chunk ends inside a packet, or the format is not `joinable`."""


@dataclass(frozen=True, slots=True)
class Flushed:
    """The result of `flush`. It follows the chunks that the flush returned."""

    offset: int
    """Length of the file so far, in bytes."""
    input_samples: int
    """Samples per channel, at the input's rate, received so far."""
    held_samples: int
    """Samples per channel, at the file's rate, that the resampler, codec or muxer still holds. 0: all are written."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event. It completes the file."""

    header: bytes
    """Replaces the first len(header) bytes of the file. May be empty."""
    trailer: bytes
    """Bytes to append to the file. May be empty."""
    file_bytes: int
    """Length of the finished file, including the trailer."""
    input_samples: int
    """Samples per channel, at the input's rate, received in total. With positions: with what was filled, not with what was
    dropped."""
    output_samples: int
    """Samples per channel, at the file's rate, in the file, without delay and padding."""
    duration_s: float
    """output_samples divided by the file's sample rate."""
    delay_samples: int
    """Samples per channel, at the file's rate, that the codec added before the first one."""
    padding_samples: int
    """Samples per channel, at the file's rate, that the codec added after the last one."""
    sent_sha256: bytes
    """SHA-256 of the chunks and the trailer, in this order. The final header is not included."""
    sent_sha256_offset: int
    """Position in the file of the first byte that `sent_sha256` includes. 0, except after `ResumedEncoder.joined`."""
    file_crc32c: int
    """CRC-32C of the finished file, with its final header."""
    clipped_samples: int
    """Samples, summed over all channels, that exceeded the range of the file's sample type and were clipped."""
    peak: float
    """Largest absolute sample value of the input; 1.0 is full scale."""
    loudness: Loudness | None = None
    """Loudness of the samples in the file, before a lossy codec. None: not measured."""
    filled_samples: int = 0
    """Silent samples, summed over all channels, that were inserted where positions and channels had left gaps."""
    dropped_samples: int = 0
    """Samples, summed over all channels, that were dropped because they overlapped others or came too late."""
    drift_ppm: float = 0.0
    """How fast the clock of the source was against that of its positions, in parts per million, if max_jitter_ms is set. Of
    several channels: the one with the largest drift."""


Event = Started | Chunk | Flushed | Finished
