"""Vorbis comments: the tags of Vorbis, FLAC, and Opus in Ogg.

Vorbis I, section 5; RFC 9639, sections 8.6 and 8.8; RFC 7845, section 5.2.
"""

from base64 import b64encode
from struct import pack, unpack_from

from ..description import Chapter, Description, Picture
from .image import dimensions

_NAMES = {"track": "TRACKNUMBER"}
_FRONT_COVER = 3


def comments(vendor: str, description: Description, *, pictures: bool = True) -> bytes:
    """Return the vendor string and the comments, without the signature before and the framing bit after them.

    `pictures`: False if the container has blocks of its own for them.
    """
    entries = [f"{_NAMES.get(name, name.upper())}={value}" for name, value in description.tags]
    for number, chapter in enumerate(description.chapters):
        entries += _chapter(f"CHAPTER{number:03d}", chapter)
    if pictures:
        covers = (b64encode(picture_block(one)).decode() for one in description.pictures)
        entries += [f"METADATA_BLOCK_PICTURE={cover}" for cover in covers]
    return _text(vendor) + pack("<I", len(entries)) + b"".join(map(_text, entries))


def _chapter(name: str, chapter: Chapter) -> list[str]:
    """Return the comments of a chapter, as Xiph's chapter extension defines them."""
    seconds, ms = divmod(chapter.start_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    entries = [f"{name}={hours:02d}:{minutes:02d}:{seconds:02d}.{ms:03d}", f"{name}NAME={chapter.title}"]
    return [*entries, f"{name}URL={chapter.url}"] if chapter.url else entries


def vendor_of(comments: bytes) -> str:
    """Return the vendor string of comments."""
    (size,) = unpack_from("<I", comments)
    return comments[4 : 4 + size].decode()


def picture_block(picture: Picture) -> bytes:
    """Return the body of FLAC's PICTURE block, which comments contain in base64. RFC 9639, section 8.8."""
    mime_type, text = picture.mime_type.encode(), picture.description.encode()
    size = dimensions(picture)
    return b"".join(
        (
            pack(">II", _FRONT_COVER, len(mime_type)) + mime_type,
            pack(">I", len(text)) + text,
            pack(">IIII", size.width, size.height, size.depth, 0),  # 0: no palette
            pack(">I", len(picture.data)) + picture.data,
        )
    )


def _text(text: str) -> bytes:
    data = text.encode()
    return pack("<I", len(data)) + data
