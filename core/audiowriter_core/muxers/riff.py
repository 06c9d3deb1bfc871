"""RIFF/WAVE, and RF64 where 32 bits of size are not enough.

Microsoft, Multiple Channel Audio Data and WAVE Files (2007); EBU Tech 3306 v1.1 (RF64); RIFF MCI (1991), section 3 (INFO).

A header always has the same length for the same arguments, whatever the sizes: a JUNK chunk keeps the place of the ds64
chunk that a file beyond 4 GiB needs (EBU Tech 3306, section 4). While the stream runs both sizes are 0xFFFFFFFF, which
readers take as "to the end of the file".
"""

from collections.abc import Mapping
from struct import pack

from ..audio.layouts import channel_mask
from . import id3

UNKNOWN = 0xFFFFFFFF
"""Size of a chunk whose length is not known yet, and in RF64 of one whose size stands in ds64."""

PCM = 0x0001
IEEE_FLOAT = 0x0003
ALAW = 0x0006
MULAW = 0x0007
EXTENSIBLE = 0xFFFE

_SUBTYPE_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
"""KSDATAFORMAT_SUBTYPE_*: the format tag, then this."""

_INFO_IDS = {
    "title": (b"INAM",),
    "artist": (b"IART",),
    "album": (b"IPRD",),
    "date": (b"ICRD",),
    "genre": (b"IGNR",),
    "comment": (b"ICMT",),
    "track": (b"IPRT", b"ITRK"),  # TagLib reads the first only, libsndfile the second only
}
TAGS = tuple(_INFO_IDS)
"""Tag names that have an INFO chunk; each has an ID3v2 frame as well."""


def header(
    *,
    format_tag: int,
    bits: int,
    sample_rate: int,
    channels: int,
    tags: Mapping[str, str],
    frames: int | None = None,
) -> bytes:
    """Everything up to the first sample. `frames`: samples a channel; None while they are not known."""
    frame_bytes = bits // 8 * channels
    data_bytes = None if frames is None else frames * frame_bytes
    fmt = _fmt(format_tag, bits, sample_rate, channels)
    metadata = _info(tags) + _id3(tags)
    # fact: required for all but integer PCM; tells the samples a channel.
    fact_place = b"fact" + pack("<II", 4, 0) if format_tag != PCM else b""
    head_bytes = 12 + 36 + len(fmt) + len(fact_place) + len(metadata) + 8

    if data_bytes is None or frames is None:
        # fact 0: readers believe any other number, and take 0xFFFFFFFF for a duration of days.
        riff, riff_size, data_size, fact, ds64 = b"RIFF", UNKNOWN, UNKNOWN, 0, b"JUNK" + pack("<I28x", 28)
    else:
        whole = head_bytes + data_bytes + data_bytes % 2 - 8
        if whole < UNKNOWN:
            riff, riff_size, data_size, fact, ds64 = b"RIFF", whole, data_bytes, frames, b"JUNK" + pack("<I28x", 28)
        else:
            riff, riff_size, data_size, fact = b"RF64", UNKNOWN, UNKNOWN, min(frames, UNKNOWN)
            ds64 = b"ds64" + pack("<IQQQI", 28, whole, data_bytes, frames, 0)
    fact_chunk = b"fact" + pack("<II", 4, fact) if fact_place else b""
    return riff + pack("<I", riff_size) + b"WAVE" + ds64 + fmt + fact_chunk + metadata + b"data" + pack("<I", data_size)


def pad(chunk_bytes: int, fill: bytes = b"\0") -> bytes:
    """Return the byte that follows a chunk of odd length and that the chunk's size does not count.

    RIFF MCI, section 2, wants it to be 0. A reader of a live file cannot tell it from a sample, and 0 is full scale in U8
    and in G.711: there the code of silence is used. Readers that know the size of the chunk skip the byte unseen.
    """
    return fill * (chunk_bytes % 2)


def _fmt(format_tag: int, bits: int, sample_rate: int, channels: int) -> bytes:
    align = bits // 8 * channels
    base = pack("<HIIHH", channels, sample_rate, sample_rate * align, align, bits)
    # WAVE_FORMAT_EXTENSIBLE is due for more than 16 bits of integer PCM and for more than two channels.
    if channels > 2 or (format_tag == PCM and bits > 16):
        extension = pack("<HHIH", 22, bits, channel_mask(channels), format_tag) + _SUBTYPE_GUID_TAIL
        body = pack("<H", EXTENSIBLE) + base + extension
    elif format_tag == PCM:
        body = pack("<H", PCM) + base
    else:
        body = pack("<H", format_tag) + base + pack("<H", 0)
    return _chunk(b"fmt ", body)


def _info(tags: Mapping[str, str]) -> bytes:
    """The LIST chunk of type INFO; empty if there are no tags. Text is UTF-8, as TagLib and FFmpeg read and write it."""
    chunks = b"".join(
        _chunk(chunk_id, tags[name].encode() + b"\0")
        for name, chunk_ids in _INFO_IDS.items()
        if name in tags
        for chunk_id in chunk_ids
    )
    return _chunk(b"LIST", b"INFO" + chunks) if chunks else b""


def _id3(tags: Mapping[str, str]) -> bytes:
    """The same tags in an ID3v2 chunk, as tag editors write it: INFO names no character set, and many take it for Latin-1.

    It stands behind INFO, because MediaInfo joins the values of the two in the other order.
    """
    return _chunk(b"id3 ", id3.tags(tags)[0]) if tags else b""


def _chunk(chunk_id: bytes, body: bytes) -> bytes:
    return chunk_id + pack("<I", len(body)) + body + pad(len(body))
