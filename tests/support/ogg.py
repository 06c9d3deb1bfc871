"""A parser for Ogg pages, independent of the muxer. RFC 3533, section 6."""

from dataclasses import dataclass
from struct import unpack_from


@dataclass(frozen=True)
class Page:
    flags: int
    granule_position: int
    serial: int
    sequence: int
    segments: bytes
    body: bytes


def pages(data: bytes) -> list[Page]:
    """Return every page of a file; fail if there are other bytes between them."""
    found, at = [], 0
    while at < len(data):
        magic, version, flags, granule, serial, sequence, _, count = unpack_from("<4sBBqIIIB", data, at)
        assert (magic, version) == (b"OggS", 0), at
        segments = data[at + 27 : at + 27 + count]
        start = at + 27 + count
        at = start + sum(segments)
        found.append(Page(flags, granule, serial, sequence, segments, data[start:at]))
    return found


def without_serials(data: bytes) -> object:
    """Return a value that is equal for two files which differ only in their random serial numbers."""
    if not data.startswith(b"OggS"):
        return data
    return [(page.flags, page.granule_position, page.sequence, page.segments, page.body) for page in pages(data)]
