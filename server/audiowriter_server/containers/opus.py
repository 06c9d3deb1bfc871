"""The two header packets of Ogg Opus. RFC 7845, section 5."""

from collections.abc import Mapping
from struct import pack, pack_into

GRANULE_RATE = 48_000
"""Granule positions and pre-skip count at 48 kHz, whatever the rate of the input."""

GAIN_TAGS = {name: range(-32768, 32768) for name in ("r128_track_gain", "r128_album_gain")}
"""Gain to reach -23 LUFS, in 256ths of a dB. Section 5.2.1."""

_COMMENT_NAMES = {"track": "TRACKNUMBER"}


def id_header(codec_header: bytes, input_rate: int) -> bytes:
    """OpusHead, section 5.1: the codec's own, with the sample rate of the original input in it."""
    head = bytearray(codec_header)
    pack_into("<I", head, 12, input_rate)
    return bytes(head)


def pre_skip(id_header: bytes) -> int:
    """Samples at 48 kHz that a decoder drops at the start."""
    return int.from_bytes(id_header[10:12], "little")


def comment_header(vendor: str, tags: Mapping[str, str]) -> bytes:
    """OpusTags, section 5.2."""
    comments = [f"{_COMMENT_NAMES.get(name, name.upper())}={value}" for name, value in tags.items()]
    return b"OpusTags" + _text(vendor) + pack("<I", len(comments)) + b"".join(_text(comment) for comment in comments)


def _text(text: str) -> bytes:
    data = text.encode()
    return pack("<I", len(data)) + data
