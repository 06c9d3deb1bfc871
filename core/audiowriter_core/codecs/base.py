"""The interfaces that formats are made of: codec, and file encoder.

A codec turns samples into packets, and a muxer (see muxers/base.py) turns packets into file bytes. Where one library joins
both, as libsndfile does for FLAC and Vorbis, the class is a FileEncoder itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

from ..audio.sample_types import Samples, SampleType
from ..muxers.base import Finish
from ..options import OutputOptions


@dataclass(frozen=True)
class CodecSpec:
    """What a codec accepts, and its defaults."""

    name: str
    sample_types: tuple[SampleType, ...]
    """Of the file, or what a lossy codec takes. The first is the default where the input's is not among them."""
    sample_rates: Sequence[int]
    """In Hz: a list, or a range."""
    channels: Sequence[int]
    lookahead_samples: int
    """Most samples per channel, at 24 kHz, that the codec gathers before their bytes come out."""
    encode_ms_per_second: float
    """CPU time, in ms, per second of audio and channel, roughly: decides whether a call may run on an event loop."""
    bitrates: Callable[[int, int], Sequence[int]] | None = None
    """Bitrates in bits per second, a list or a range, at a sample rate and a channel count. None: takes no bitrate."""
    bitrate_bounds: tuple[int, int] = (0, 0)
    """Lowest and highest bitrate at any rate and channel count."""
    bitrate_per_channel: int = 0
    """Default. If the rate does not allow it, the nearest is taken. 0: vbr_quality is the default."""
    takes_vbr_quality: bool = False
    vbr_quality: float | None = None
    """Default, where the format is variable by default."""
    effort: int | None = None
    """Default. None: the codec has no such setting."""
    takes_next_rate: bool = False
    """Whether the default sample rate is the next one up, where the input's is not supported."""
    lossless: bool = False


class Packet(NamedTuple):
    """One unit of compressed data."""

    data: bytes
    samples: int
    """Samples per channel that it decodes to, at the file's rate."""


class Codec(Protocol):
    """One native encoder: encode as often as needed, then finish; close at any time.

    The packets do not depend on how the samples were cut into calls. Any call may raise EncodeError; only close may follow.
    """

    spec: ClassVar[CodecSpec]

    delay_samples: int
    """Samples per channel, at the file's rate, that the codec puts before the first one."""
    frame_samples: int
    """Samples per channel of one packet; 0 if packets have no fixed length."""
    header: bytes
    """What a decoder needs before the first packet: OpusHead, AudioSpecificConfig. Empty for most."""

    @property
    def wanted_samples(self) -> int:
        """Minimum number of samples per channel before `encode` can return packets. At least 1."""

    def __init__(self, output: OutputOptions) -> None:
        """Open the native encoder. `output` was checked against the spec."""

    def encode(self, samples: Samples) -> list[Packet]:
        """Take samples of the file's sample type; return the packets that are ready."""

    def finish(self) -> list[Packet]:
        """Return the packets that are left, the last one filled up with silence."""

    def silent_packets(self) -> list[Packet]:
        """Return the packets of a stream without audio, for files that must have at least one."""

    def close(self) -> None:
        """Free native memory. Idempotent, also after errors."""


class FileEncoder(Protocol):
    """Samples to file bytes: start, then encode and flush as often as needed, then finish; close at any time.

    The bytes do not depend on how the samples were cut into calls, and memory does not grow with the length of the stream.
    Any call may raise EncodeError; only close may follow.
    """

    delay_samples: int
    """Samples per channel, at the file's rate, that the codec puts before the first one."""

    @property
    def held_samples(self) -> int:
        """Samples per channel taken in, at the file's rate, whose bytes are not out yet."""

    @property
    def wanted_samples(self) -> int:
        """Minimum number of samples per channel before `encode` can return bytes. At least 1."""

    def start(self) -> bytes:
        """Return the provisional header; may be empty."""

    def encode(self, samples: Samples) -> bytes:
        """Take samples of the file's sample type; return the bytes that are ready, empty while a frame is gathered."""

    def flush(self) -> bytes:
        """Return the bytes that can be pushed out now without harm to the stream."""

    def finish(self) -> Finish:
        """Return everything that is left."""

    def close(self) -> None:
        """Free native memory. Idempotent, also after errors."""
