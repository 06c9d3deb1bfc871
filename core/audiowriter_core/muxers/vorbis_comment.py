"""Vorbis comments: the tags of Vorbis, FLAC, and Opus in Ogg.

Vorbis I, section 5; RFC 9639, section 8.6; RFC 7845, section 5.2.
"""

from struct import pack, unpack_from

from ..options import Tags

_NAMES = {"track": "TRACKNUMBER"}


def comments(vendor: str, tags: Tags) -> bytes:
    """Return the vendor string and the comments, without the signature before and the framing bit after them."""
    entries = [f"{_NAMES.get(name, name.upper())}={value}" for name, value in tags]
    return _text(vendor) + pack("<I", len(entries)) + b"".join(map(_text, entries))


def vendor_of(comments: bytes) -> str:
    """Return the vendor string of comments."""
    (size,) = unpack_from("<I", comments)
    return comments[4 : 4 + size].decode()


def _text(text: str) -> bytes:
    data = text.encode()
    return pack("<I", len(data)) + data
