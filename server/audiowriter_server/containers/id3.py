"""ID3v2.4 in front of a file and ID3v1.1 behind it, through mutagen. id3.org: ID3v2.4.0 structure and native frames."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from mutagen import id3

_ID3V1_BYTES = 128
_TEXT_FRAMES = {
    "title": id3.TIT2,
    "artist": id3.TPE1,
    "album": id3.TALB,
    "date": id3.TDRC,
    "genre": id3.TCON,
    "track": id3.TRCK,
}


def tags(values: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Give the ID3v2.4 tag (UTF-8) and the ID3v1.1 tag (Latin-1, cut to its fields); both empty if there are no tags."""
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
    tag.save(file, v1=2, v2_version=4, padding=lambda _: 0)
    data = file.getvalue()
    return data[:-_ID3V1_BYTES], data[-_ID3V1_BYTES:]
