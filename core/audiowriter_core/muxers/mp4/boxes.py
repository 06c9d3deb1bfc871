"""Boxes, of which everything in an MP4 file is made. ISO/IEC 14496-12:2015, section 4.2."""

from struct import pack

from ..base import Piece

HEADER_BYTES = 8
MEDIA_HEADER_BYTES = 16
"""Length of what `media_header` returns."""


Box = list[Piece]
"""A box in pieces: a list of frames may have megabytes, and need never be in memory whole."""


def box(kind: bytes, *parts: Piece | Box) -> Box:
    """A box of less than 4 GiB."""
    pieces = [piece for part in parts for piece in (part if isinstance(part, list) else (part,))]
    return [pack(">I4s", HEADER_BYTES + sum(map(len, pieces)), kind), *pieces]


def joined(box: Box) -> bytes:
    """A box whole."""
    return b"".join(piece[:] for piece in box)


def full_box(kind: bytes, version: int, flags: int, *parts: Piece | Box) -> Box:
    """A box with 8 bits of version and 24 of flags."""
    return box(kind, pack(">I", version << 24 | flags), *parts)


def media_header(size: int) -> bytes:
    """Return the header of an `mdat` box with `size` bytes of media.

    Below 4 GiB this is an empty `free` box and a 32-bit header, as FFmpeg writes it: faad cannot read 64-bit sizes. Above, a
    64-bit header takes the place of both. Sections 4.2 and 8.1.1.
    """
    if HEADER_BYTES + size < 2**32:
        return joined(box(b"free")) + pack(">I4s", HEADER_BYTES + size, b"mdat")
    return pack(">I4sQ", 1, b"mdat", MEDIA_HEADER_BYTES + size)
