"""ID3v2.4 tags before the audio and ID3v1.1 tags after it, through mutagen. id3.org: ID3v2.4.0 structure, native frames."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from mutagen import id3

_ID3V1_BYTES = 128
_ID3V1_COMMENT = slice(97, 125)
_TEXT_FRAMES = {
    "title": id3.TIT2,
    "artist": id3.TPE1,
    "album": id3.TALB,
    "date": id3.TDRC,
    "genre": id3.TCON,
    "track": id3.TRCK,
}


def tags(values: Mapping[str, str], *, padding_bytes: int = 0) -> tuple[bytes, bytes]:
    """Return the ID3v2.4 tag (UTF-8) and the ID3v1.1 tag (Latin-1, each value cut to its field's length).

    Both are empty if there are no values. `padding_bytes`: number of zeros at the end of the ID3v2.4 tag.
    """
    if not values:
        return b"", b""
    tag = id3.ID3()
    for name, value in values.items():
        if name == "comment":
            tag.add(id3.COMM(encoding=id3.Encoding.UTF8, lang="XXX", desc="", text=[value]))
        else:
            frame: Any = _TEXT_FRAMES[name]
            tag.add(frame(encoding=id3.Encoding.UTF8, text=[value]))
    file = BytesIO()
    tag.save(file, v1=2, v2_version=4, padding=lambda _: padding_bytes)
    id3v2, id3v1 = file.getvalue()[:-_ID3V1_BYTES], bytearray(file.getvalue()[-_ID3V1_BYTES:])
    if "comment" in values:  # mutagen omits it, because ID3v2 allows several comments
        size = _ID3V1_COMMENT.stop - _ID3V1_COMMENT.start
        id3v1[_ID3V1_COMMENT] = values["comment"].encode("latin-1", "replace")[:size].ljust(size, b"\0")
    return id3v2, bytes(id3v1)
