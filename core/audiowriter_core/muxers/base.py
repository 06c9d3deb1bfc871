"""The interface of a muxer: packets to file bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from ..codecs.base import Codec, Packet
    from ..options import OutputOptions

TAGS = ("title", "artist", "album", "date", "genre", "comment", "track")
"""The tag names that every format with tags carries."""


@dataclass(frozen=True)
class MuxerSpec:
    """What a container holds, and its defaults."""

    tags: tuple[str, ...] = ()
    integer_tags: Mapping[str, range] = field(default_factory=dict)
    """Tags whose value is an integer, with its range."""
    pages_ms: Sequence[int] = ()
    """Allowed values of page_ms. Empty: the container has no pages."""
    page_ms: int = 0
    """Default."""
    page_samples: int = 0
    """Samples per channel, at 24 kHz, that a page gathers by default, in addition to the codec's lookahead."""
    fewest_samples: int = 0
    """Shorter streams are padded with silence to this many samples per channel."""
    finalizes_header: bool = False
    """Whether the header is replaced at the end."""
    sample_exact: bool = True
    """Whether decoders return exactly the number of samples that went in."""


class Piece(Protocol):
    """Bytes, or an object that makes them one slice at a time."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> bytes: ...


@dataclass(frozen=True)
class Finish:
    """What completes a file."""

    header: bytes = b""
    """Replaces the first len(header) bytes. Empty: nothing to replace."""
    tail: Sequence[Piece] = ()
    """To be appended, in pieces that are made one slice at a time: the end of a long file has megabytes."""
    trailer: bytes = b""
    """To be appended after the tail."""
    padding_samples: int = 0
    """Samples per channel, at the file's rate, that the codec put after the last one."""


class Muxer(Protocol):
    """One file: start, then write and flush as often as needed, then finish."""

    spec: ClassVar[MuxerSpec]

    @property
    def samples_out(self) -> int:
        """Samples per channel, the codec's delay included, whose bytes are out."""

    def __init__(self, output: "OutputOptions", codec: "Codec") -> None:
        """`codec`: the open codec whose packets will be written; the muxer reads its header, delay and frame length."""

    def start(self) -> bytes:
        """Return the provisional header; may be empty."""

    def write(self, packets: "Sequence[Packet]") -> bytes:
        """Take packets; return the bytes that are ready."""

    def flush(self) -> bytes:
        """Return the bytes of a page that is not full. May change how the following packets are laid out."""

    def finish(self, packets: "Sequence[Packet]", samples: int) -> Finish:
        """Take the last packets and complete the file. `samples`: samples per channel of the whole stream, without delay."""
