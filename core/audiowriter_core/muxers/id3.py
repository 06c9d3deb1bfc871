"""ID3v2.4 tags before the audio and ID3v1.1 tags after it, through mutagen. id3.org: ID3v2.4.0 structure, native frames."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from mutagen import id3

from ..description import Description
from .id3_chapters import chapter_frames, syncsafe

_HEADER_BYTES = 10
_ID3V1_YEAR = slice(93, 97)
_ID3V1_COMMENT = slice(97, 125)
_MAX_ID3V1_GENRE = 64
"""Longer genres have no number in ID3v1. mutagen parses the numbers in a genre, and Python refuses long ones."""
_TEXT_FRAMES = {
    "title": id3.TIT2,
    "artist": id3.TPE1,
    "album": id3.TALB,
    "date": id3.TDRC,
    "genre": id3.TCON,
    "track": id3.TRCK,
}


def tag(frames: bytes, padding_bytes: int = 0) -> bytes:
    """Return an ID3v2.4 tag; empty if it would contain nothing. ID3v2.4.0 structure, sections 3.1 and 3.3."""
    size = len(frames) + padding_bytes
    return b"ID3\x04\0\0" + syncsafe(size) + frames + bytes(padding_bytes) if size else b""


def frames(description: Description) -> bytes:
    """Return the frames of an ID3v2.4 tag, in UTF-8."""
    if not description:
        return b""
    file = BytesIO()
    _tag(description).save(file, v1=0, v2_version=4, padding=lambda _: 0)
    return file.getvalue()[_HEADER_BYTES:] + chapter_frames(description.chapters)


def id3v1(description: Description) -> bytes:
    """Return an ID3v1.1 tag in Latin-1, with each value cut to its field's length; empty if there are no tags."""
    values = {name: texts[0] for name, texts in description.values.items()}
    return _id3v1(_tag(description), values) if values else b""


def _tag(description: Description) -> id3.ID3:
    tag = id3.ID3()
    texts = description.values
    for name, text in texts.items():
        if name == "comment":
            tag.add(id3.COMM(encoding=id3.Encoding.UTF8, lang="XXX", desc="", text=text))
        else:
            frame: Any = TDRC if name == "date" and _is_no_timestamp(text[0]) else _TEXT_FRAMES[name]
            tag.add(frame(encoding=id3.Encoding.UTF8, text=text))
    for one in description.pictures:
        front_cover = id3.PictureType.COVER_FRONT
        frame = id3.APIC(id3.Encoding.UTF8, one.mime_type, front_cover, one.description, one.data)
        tag.add(frame)
    return tag


class TDRC(id3.TextFrame):
    """A recording time that is stored as it is. mutagen's own frame drops values that are not timestamps."""


def _is_no_timestamp(value: str) -> bool:
    return str(id3.ID3TimeStamp(value)) != value


def _id3v1(tag: id3.ID3, values: Mapping[str, str]) -> bytes:
    frames = {key: frame for key, frame in tag.items() if key != "TDRC"}
    if "genre" in values:  # ID3v1 has one genre, but mutagen would parse all of them
        genre = values["genre"]
        frames["TCON"] = id3.TCON(encoding=id3.Encoding.UTF8, text=genre if len(genre) <= _MAX_ID3V1_GENRE else "")
    id3v1 = bytearray(id3.MakeID3v1(frames))
    # mutagen omits the comment, because ID3v2 allows several comments, and takes only timestamps for the year.
    for name, field in (("date", _ID3V1_YEAR), ("comment", _ID3V1_COMMENT)):
        if name in values:
            size = field.stop - field.start
            id3v1[field] = values[name].encode("latin-1", "replace")[:size].ljust(size, b"\0")
    return bytes(id3v1)
