"""FLAC's marker and metadata blocks. RFC 9639, sections 6 and 8."""

from hashlib import md5
from struct import pack

from ..description import Description
from .vorbis_comment import comments, picture_block

MARKER = b"fLaC"
STREAMINFO, PADDING, VORBIS_COMMENT, PICTURE = 0, 1, 4, 6
_LAST = 0x80
_HEADER_BYTES = 4


def block(kind: int, body: bytes, *, last: bool = False) -> bytes:
    """Return a metadata block. `last`: no other block follows. Section 8.1."""
    return bytes([kind | _LAST if last else kind]) + len(body).to_bytes(3, "big") + body


def streaminfo(*, sample_rate: int, channels: int, bits: int, block_samples: int, empty: bool = False) -> bytes:
    """Return the body of STREAMINFO without totals, or with those of a file that has no audio. Section 8.2."""
    packed = sample_rate << 44 | (channels - 1) << 41 | (bits - 1) << 36  # 36 bits of total samples: 0
    checksum = md5(usedforsecurity=False).digest() if empty else bytes(16)
    return pack(">HH6xQ", block_samples, block_samples, packed) + checksum


def descriptive_blocks(description: Description) -> bytes:
    """Return the blocks after STREAMINFO, none of which is marked as the last one: the tags, then the pictures.

    Sections 8.6 and 8.8.
    """
    covers = (block(PICTURE, picture_block(one)) for one in description.pictures)
    return block(VORBIS_COMMENT, comments("audiowriter", description, pictures=False)) + b"".join(covers)


def padding(size: int) -> bytes:
    """Return a PADDING block of `size` bytes after its header. It is the last block. Section 8.3."""
    return block(PADDING, bytes(size), last=True)


def mark_last(blocks: bytes) -> bytes:
    """Return blocks of which the last one is marked as such."""
    marked, at = bytearray(blocks), 0
    while True:
        end = at + _HEADER_BYTES + int.from_bytes(blocks[at + 1 : at + _HEADER_BYTES], "big")
        if end == len(blocks):
            marked[at] |= _LAST
            return bytes(marked)
        at = end


def head_bytes(file: bytes) -> int:
    """Return the length of the marker and all metadata blocks of a file, which are before the first frame."""
    at, last = len(MARKER), False
    while not last:
        last = bool(file[at] & _LAST)
        at += _HEADER_BYTES + int.from_bytes(file[at + 1 : at + _HEADER_BYTES], "big")
    return at
