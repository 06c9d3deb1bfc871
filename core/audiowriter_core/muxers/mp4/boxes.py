"""Boxes, the building blocks of MP4 files. ISO/IEC 14496-12:2015, section 4.2."""

from struct import pack

from ..base import Piece

HEADER_BYTES = 8
MEDIA_HEADER_BYTES = 16
"""Number of bytes that `media_header` returns."""


Box = list[Piece]
"""A box in pieces. A table of all frames can have megabytes, so it is never in memory as a whole."""


def box(kind: bytes, *parts: Piece | Box) -> Box:
    """Return a box of less than 4 GiB."""
    pieces = [piece for part in parts for piece in (part if isinstance(part, list) else (part,))]
    return [pack(">I4s", HEADER_BYTES + sum(map(len, pieces)), kind), *pieces]


def joined(box: Box) -> bytes:
    """Return the bytes of a box."""
    return b"".join(piece[:] for piece in box)


def full_box(kind: bytes, version: int, flags: int, *parts: Piece | Box) -> Box:
    """Return a box with an 8-bit version and 24-bit flags."""
    return box(kind, pack(">I", version << 24 | flags), *parts)


def media_header(size: int) -> bytes:
    """Return the header of an `mdat` box with `size` bytes of media.

    Below 4 GiB the result is an empty `free` box and a header with a 32-bit size, as in files of FFmpeg, because faad cannot
    read 64-bit sizes. From 4 GiB on it is a header with a 64-bit size, which has the same length. Sections 4.2 and 8.1.1.
    """
    if HEADER_BYTES + size < 2**32:
        return joined(box(b"free")) + pack(">I4s", HEADER_BYTES + size, b"mdat")
    return pack(">I4sQ", 1, b"mdat", MEDIA_HEADER_BYTES + size)
