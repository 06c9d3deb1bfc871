"""What happens to a stream, in the order of the file: Started, then Chunk and Flushed, and Finished at the end."""

from dataclasses import dataclass

from .options import OutputOptions


@dataclass(frozen=True, slots=True)
class Started:
    """The first event: the options with every default filled in."""

    output: OutputOptions
    mime_type: str
    """Such as "audio/mpeg"."""
    file_extension: str
    """With its dot, such as ".mp3"."""
    delay_samples: int
    """Samples per channel, at the file's rate, that the codec puts before the first one (encoder delay, pre-skip)."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Encoded bytes, to be appended to the file."""

    data: bytes
    offset: int
    """Position of the first byte in the file."""
    input_samples: int
    """Samples per channel taken in when this chunk was made, at the input's rate."""


@dataclass(frozen=True, slots=True)
class Flushed:
    """The answer to `flush`, after the chunks that it pushed out."""

    offset: int
    """Bytes of the file so far."""
    input_samples: int
    """Samples per channel taken in so far, at the input's rate."""
    held_samples: int
    """Samples per channel, at the file's rate, that resampler, codec or muxer still hold back. 0: everything is out."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event: it completes the file."""

    header: bytes
    """Replaces the first len(header) bytes of the file. Empty: nothing to replace."""
    trailer: bytes
    """To be appended to the file."""
    total_bytes: int
    """Length of the finished file, trailer included."""
    input_samples: int
    """Samples per channel taken in, at the input's rate."""
    output_samples: int
    """Samples per channel in the file, at its rate, without delay and padding."""
    duration_s: float
    """output_samples divided by the file's rate."""
    delay_samples: int
    """Samples per channel, at the file's rate, that the codec put before the first one."""
    padding_samples: int
    """Samples per channel, at the file's rate, that the codec put after the last one."""
    sha256: bytes
    """SHA-256 of all bytes in the order sent, chunks then trailer. The header is not in it."""
    clipped_samples: int
    """Samples, over all channels, that lay outside the range of the file's sample type and were clipped."""
    peak: float
    """Largest absolute sample value of the input; 1.0 is full scale."""


Event = Started | Chunk | Flushed | Finished
