"""The interface of muxers, which turn packets into file bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ..codecs.base import Codec, Packet
    from ..options import OutputOptions

TAGS = ("title", "artist", "album", "date", "genre", "comment", "track")
"""The tag names that every format with tags supports."""

REPEATABLE_TAGS = ("artist", "genre")
"""Names of which a file may have several tags, if the container allows it."""


@dataclass(frozen=True)
class MuxerSpec:
    """The options that a container supports, and its defaults."""

    tags: tuple[str, ...] = ()
    integer_tags: Mapping[str, range] = field(default_factory=dict)
    """Tags whose value must be an integer in this range."""
    repeatable_tags: tuple[str, ...] = ()
    """Tags that may occur more than once."""
    takes_pictures: bool = False
    takes_marker_urls: bool = False
    """Whether a chapter may have a URL."""
    describes_at_end: bool = False
    """Whether the description is at the end of the file, where it needs no room to be reserved."""
    pages_ms: tuple[float, float] | None = None
    """Lowest and highest value of page_ms. None: the container has no pages."""
    page_ms: int = 0
    """Default value of page_ms."""
    page_samples: int = 0
    """Samples per channel, at 24 kHz, that a page of the default length gathers in addition to the codec's lookahead."""
    min_samples: int = 0
    """Minimum samples per channel. Shorter streams are padded with silence."""
    wav_headers: tuple[str, ...] = ()
    """Values of wav_header, the default first. Empty: the container is not WAV."""
    finalizes_header: bool = False
    """Whether `Finish.header` replaces the provisional header."""
    sample_exact: bool = True
    """Whether decoders return exactly the number of samples that were encoded."""
    joinable: bool = False
    """Whether the rest of a file can follow packets of another encoder. Nothing in it depends on the bytes of the earlier
    packets, apart from the positions that `Movable` corrects."""


class Piece(Protocol):
    """Bytes, or an object that builds them slice by slice."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> bytes: ...


@dataclass(frozen=True)
class Finish:
    """The bytes that complete a file."""

    header: bytes = b""
    """Replaces the first len(header) bytes. May be empty."""
    replaced: bytes = b""
    """The bytes that `header` replaces, if they are not those that `start` returned."""
    tail: Sequence[Piece] = ()
    """To append. The tail of a long file can have megabytes, so it is built slice by slice."""
    trailer: bytes = b""
    """To append after the tail."""
    padding_samples: int = 0
    """Samples per channel, at the file's rate, that the codec added after the last one."""


class Muxer(Protocol):
    """Writes one file. Call start, then write and flush as often as needed, then finish."""

    spec: ClassVar[MuxerSpec]

    @property
    def samples_out(self) -> int:
        """Samples per channel, including the codec's delay, whose bytes were returned."""

    def __init__(self, output: "OutputOptions", codec: "Codec") -> None:
        """`codec`: the open codec of the packets. The muxer reads its header, delay and frame length."""

    def start(self) -> bytes:
        """Return the provisional header; may be empty."""

    def write(self, packets: "Sequence[Packet]") -> bytes:
        """Add packets; return the bytes that are ready."""

    def flush(self) -> bytes:
        """Return the bytes of a page that is not full. The following packets may then be on other pages."""

    def finish(self, packets: "Sequence[Packet]", samples: int) -> Finish:
        """Add the last packets and complete the file. `samples`: length in samples per channel, without delay."""


@runtime_checkable
class Movable(Protocol):
    """A joinable muxer whose end contains positions in the file."""

    def move(self, start: int, by: int) -> None:
        """Add `by` to all positions from byte `start` on. The bytes before it, apart from the header, are another encoder's:
        there are no positions in them."""
