"""What an encoder is, and what a format says of itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from ..containers.mp4_boxes import Piece
from ..options import OutputOptions
from ..samples import Samples, SampleType

TAGS = ("title", "artist", "album", "date", "genre", "comment", "track")
"""The tag names that every tagged format carries."""


@dataclass(frozen=True)
class FormatSpec:
    """What a format can do, as ListFormats tells it; configs are checked against this and nothing else."""

    name: str
    mime_type: str
    file_extension: str
    sample_types: tuple[SampleType, ...]
    """Of the file, or what a lossy codec is fed with. The first is taken where the input's is not among them."""
    sample_rates: Sequence[int]
    """In Hz: each one, or a range."""
    channels: Sequence[int]
    lookahead_samples: int
    """Most samples a channel at 24 kHz that codec and container gather before their bytes come out."""
    encode_ms_per_second: float
    """Rough CPU time, in ms, for a second of one channel: decides whether a call may run on the event loop."""
    bitrates: Callable[[int, int], Sequence[int]] | None = None
    """Bitrates in bits a second, each one or a range, at a sample rate and a number of channels. None: takes none."""
    bitrate_bounds: tuple[int, int] = (0, 0)
    """Lowest and highest bitrate at any rate and number of channels."""
    bitrate_per_channel: int = 0
    """Default, before it is fitted to what the rate allows. 0: a vbr_quality is the default."""
    takes_vbr_quality: bool = False
    vbr_quality: float | None = None
    """Default, where the format is variable by default."""
    effort: int | None = None
    """Default. None: has no such setting."""
    takes_next_rate: bool = False
    """Whether an unasked-for rate is the next one up, where the input's is not among the rates."""
    pages_ms: Sequence[int] = ()
    """What page_ms may be. Empty: has no pages."""
    page_ms: int = 0
    """Default."""
    tags: tuple[str, ...] = ()
    integer_tags: Mapping[str, range] = field(default_factory=dict)
    """Those of the tags that hold an integer, and what it may be."""
    finalizes_header: bool = False
    sample_exact: bool = True
    lossless: bool = False


@dataclass(frozen=True)
class Finish:
    """What completes a file."""

    header: bytes = b""
    """Replaces the first len(header) bytes sent. Empty: nothing to replace."""
    tail: Sequence[Piece] = ()
    """To be appended, in pieces that may be made a slice at a time: for ends that have megabytes."""
    trailer: bytes = b""
    """To be appended after it."""
    padding_samples: int = 0
    """Samples a channel, at the output's rate, that the codec put after the last one."""


class Encoder(Protocol):
    """One stream in one format: start, then encode and flush as often as you like, then finish; close at any time.

    One native encoder lives as long as its stream. What comes out does not depend on how the samples were cut into calls,
    and memory does not grow with the length of the stream. Any call may raise EncodeError; after it only close may follow.
    """

    spec: ClassVar[FormatSpec]

    delay_samples: int
    """Samples a channel, at the output's rate, that the codec puts before the first one."""

    @property
    def held_samples(self) -> int:
        """Samples a channel taken in, at the output's rate, whose bytes are not out yet."""

    @property
    def wanted_samples(self) -> int:
        """Samples a channel without which `encode` gives nothing, so that nobody need call it with fewer. At least 1."""

    def __init__(self, output: OutputOptions) -> None:
        """Open the native encoder. `output` was checked against the spec."""

    def start(self) -> bytes:
        """Give the provisional header; may be empty."""

    def encode(self, samples: Samples) -> bytes:
        """Take samples of the output's sample type and give what is ready now; empty while the codec gathers a frame."""

    def flush(self) -> bytes:
        """Give what can be pushed out now without harm to the stream."""

    def finish(self) -> Finish:
        """Give all that is left."""

    def close(self) -> None:
        """Free native memory. Idempotent, also after errors."""
