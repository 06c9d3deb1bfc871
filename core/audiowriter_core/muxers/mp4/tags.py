"""Tags as iTunes writes them: an item list in the movie's user data. Apple, QuickTime File Format, Metadata (2016)."""

import re
from collections.abc import Sequence
from struct import pack

from ...description import Chapter, Description, Picture
from .boxes import Box, box, full_box, joined

_ITEMS = {
    "title": b"\xa9nam",
    "artist": b"\xa9ART",
    "album": b"\xa9alb",
    "date": b"\xa9day",
    "genre": b"\xa9gen",
    "comment": b"\xa9cmt",
    "track": b"\xa9trk",
}
_BINARY, _UTF8 = 0, 1
_IMAGES = {"image/jpeg": 13, "image/png": 14}
_TRACK_NUMBER = re.compile(r"(\d{1,4})(?:/(\d{1,4}))?", re.ASCII)


def user_data(description: Description) -> bytes:
    """Return the udta box; empty if there is nothing to write."""
    if not description:
        return b""
    if not (description.tags or description.pictures):
        return joined(box(b"udta", _chapter_list(description.chapters)))
    items = [_item(name, values) for name, values in description.values.items()]
    if description.pictures:
        items.append(box(b"covr", *map(_cover, description.pictures)))
    handler = full_box(b"hdlr", 0, 0, pack(">4x4s4s8xx", b"mdir", b"appl"))
    return joined(
        box(b"udta", full_box(b"meta", 0, 0, handler, box(b"ilst", *items)), _chapter_list(description.chapters))
    )


def _chapter_list(chapters: Sequence[Chapter]) -> Box:
    """Return the chpl box of Nero, which FFmpeg and most players read. Times are in units of 100 ns."""
    if not chapters:
        return []
    entries = (
        pack(">QB", one.start * 10_000_000 // one.rate, len(one.title.encode())) + one.title.encode()
        for one in chapters
    )
    return full_box(b"chpl", 1, 0, pack(">4xB", len(chapters)), *entries)


def _item(name: str, values: Sequence[str]) -> Box:
    # trkn has two numbers: track and total. Any other value is written as text.
    if name == "track" and (number := _TRACK_NUMBER.fullmatch(values[0])):
        return box(b"trkn", _data(_BINARY, pack(">2xHH2x", int(number[1]), int(number[2] or 0))))
    return box(_ITEMS[name], *(_data(_UTF8, value.encode()) for value in values))


def _cover(picture: Picture) -> Box:
    return _data(_IMAGES[picture.mime_type], picture.data)


def _data(type_code: int, value: bytes) -> Box:
    return box(b"data", pack(">I4x", type_code), value)
