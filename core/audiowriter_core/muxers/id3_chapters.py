"""Chapters in ID3v2.4. id3.org: ID3v2 chapter frame addendum; ID3v2.4.0 structure, section 4; native frames, section 4.3.2.

mutagen would order the frames by their length, but players list chapters in the order of the file.
"""

from collections.abc import Sequence
from struct import pack

from ..description import Chapter

_ALL_ONES = 0xFFFFFFFF
"""An offset in bytes that is not used, so that the times count."""
_ORDERED_TOP_LEVEL = 0b11
_UTF8 = b"\x03"


def syncsafe(size: int) -> bytes:
    """Return a size in four bytes of seven bits. Section 6.2 of the structure."""
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def chapter_frames(chapters: Sequence[Chapter]) -> bytes:
    """Return a table of contents and the chapters; empty if there are none. There are at most 255."""
    if not chapters:
        return b""
    names = [f"chp{number}".encode() + b"\0" for number in range(len(chapters))]
    contents = b"toc\0" + pack(">BB", _ORDERED_TOP_LEVEL, len(names)) + b"".join(names)
    frames = (_frame(b"CHAP", name + _chapter(one)) for name, one in zip(names, chapters, strict=True))
    return _frame(b"CTOC", contents) + b"".join(frames)


def _chapter(chapter: Chapter) -> bytes:
    times = pack(">IIII", min(chapter.start_ms, _ALL_ONES), min(chapter.end_ms, _ALL_ONES), _ALL_ONES, _ALL_ONES)
    title = _frame(b"TIT2", _UTF8 + chapter.title.encode() + b"\0")
    url = _frame(b"WXXX", _UTF8 + b"\0" + chapter.url.encode()) if chapter.url else b""
    return times + title + url


def _frame(name: bytes, body: bytes) -> bytes:
    return name + syncsafe(len(body)) + b"\0\0" + body
