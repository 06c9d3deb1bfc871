"""The interfaces of encoders: Codec and FileEncoder.

A Codec turns samples into packets, and a muxer (see muxers/base.py) turns packets into file bytes. A FileEncoder turns
samples into file bytes directly. libsndfile works this way for FLAC and Vorbis.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

from ..audio.sample_types import Samples, SampleType
from ..muxers.base import Finish
from ..options import OutputOptions


@dataclass(frozen=True)
class CodecSpec:
    """The options that a codec accepts, and its defaults."""

    name: str
    sample_types: tuple[SampleType, ...]
    """Sample types in the file. For a lossy codec: those that it takes, the default first."""
    sample_rates: Sequence[int]
    """In Hz; a tuple or a range."""
    channels: Sequence[int]
    """Channel counts."""
    lookahead_samples: int
    """Maximum number of samples per channel, at 24 kHz, that the codec gathers before it returns their bytes."""
    encode_ms_per_second: float | tuple[float, ...]
    """Approximate CPU time, in ms, per second of audio and channel, for each effort from 0 to 10, or for all. Decides
    whether a call may run on an event loop."""
    bitrates: Callable[[int, int], Sequence[int]] | None = None
    """Returns the bitrates, in bits per second, that a sample rate and a channel count allow. None: takes no bitrate."""
    bitrate_bounds: tuple[int, int] = (0, 0)
    """Lowest and highest bitrate, in bits per second, over all rates and channel counts."""
    bitrate_per_channel: int = 0
    """Default, in bits per second; the nearest allowed bitrate is used. 0: the codec takes no bitrate."""
    takes_vbr_quality: bool = False
    vbr_quality: float | None = None
    """Default. None: the default is a bitrate, or the codec has no rate setting."""
    effort: int | None = None
    """Default. None: the codec has no effort setting."""
    frames_ms: Sequence[float] = ()
    """Durations of a frame that a caller can choose. Empty: the codec has one frame length."""
    takes_next_rate: bool = False
    """Whether input of an unsupported rate is resampled to the next higher supported rate by default."""
    lossless: bool = False
    joinable: bool = False
    """Whether a decoder that has the first packets from one encoder may get the following ones from another encoder of the
    same audio: no packet needs bits of an earlier one, and what it needs of the decoder's state fades within a second."""
    memory_bytes: int = 1024 * 1024
    """Maximum native memory of one encoder, with any options."""

    def ms_per_second(self, effort: int | None) -> float:
        """Return `encode_ms_per_second` with this effort, which is None if the codec has none."""
        ms = self.encode_ms_per_second
        return ms[effort or 0] if isinstance(ms, tuple) else ms


class Packet(NamedTuple):
    """One unit of compressed data."""

    data: bytes
    samples: int
    """Samples per channel, at the file's rate, that it decodes to."""


class Codec(Protocol):
    """One native encoder. Call encode as often as needed, then finish. Call close at any time.

    The packets do not depend on how the samples were split into calls. Any method may raise EncodeError; after that, only
    close is allowed.
    """

    spec: ClassVar[CodecSpec]

    delay_samples: int
    """Samples per channel, at the file's rate, that the codec adds before the first one."""
    frame_samples: int
    """Samples per channel in one packet. 0: packets have no fixed length."""
    header: bytes
    """Setup data that a decoder needs before the first packet: OpusHead, AudioSpecificConfig, STREAMINFO. Empty for other
    codecs. STREAMINFO has its totals after `finish`."""

    @property
    def wanted_samples(self) -> int:
        """Minimum number of samples per channel before `encode` can return packets. At least 1."""

    def __init__(self, output: OutputOptions) -> None:
        """Open the native encoder. `output` must come from `resolve`."""

    def encode(self, samples: Samples) -> list[Packet]:
        """Encode samples of the type `output.sample_type`; return the packets that are ready."""

    def finish(self) -> list[Packet]:
        """Return the remaining packets. The last one is padded with silence."""

    def silent_packets(self) -> list[Packet]:
        """Return the packets of a stream without audio, for containers that must have at least one."""

    def close(self) -> None:
        """Free native memory. Idempotent; also allowed after errors."""


class FileEncoder(Protocol):
    """Turns samples into file bytes. Call start, then encode and flush as often as needed, then finish.

    Call close at any time. The bytes do not depend on how the samples were split into calls. Memory use does not grow with
    the length of the stream, except for M4A, which keeps 2 bytes per frame. Any method may raise EncodeError; after that,
    only close is allowed.
    """

    delay_samples: int
    """Samples per channel, at the file's rate, that the codec adds before the first one."""
    samples: int
    """Samples per channel received so far."""

    @property
    def held_samples(self) -> int:
        """Samples per channel, at the file's rate, that were received but whose bytes were not returned yet."""

    @property
    def wanted_samples(self) -> int:
        """Minimum number of samples per channel before `encode` can return bytes. At least 1."""

    def start(self) -> bytes:
        """Return the provisional header; may be empty."""

    def encode(self, samples: Samples) -> bytes:
        """Encode samples of the file's sample type; return the bytes that are ready."""

    def flush(self) -> bytes:
        """Return the bytes that can already be written, such as a page that is not full."""

    def finish(self) -> Finish:
        """Complete the file."""

    def close(self) -> None:
        """Free native memory. Idempotent; also allowed after errors."""
