"""Headers of RIFF/WAVE, and of RF64 for files whose sizes need more than 32 bits.

Microsoft, Multiple Channel Audio Data and WAVE Files (2007); EBU Tech 3306 v1.1 (RF64); RIFF MCI (1991), section 3 (INFO).

The length of a header does not depend on the sizes: a JUNK chunk reserves the room for the ds64 chunk that a file beyond 4
GiB needs (EBU Tech 3306, section 4). While the stream runs, both sizes are 0xFFFFFFFF, which readers take as "until the end
of the file".
"""

from collections.abc import Sequence
from dataclasses import replace
from struct import pack

from ..audio.layouts import channel_mask
from ..description import Chapter, Description
from . import id3

UNKNOWN = 0xFFFFFFFF
"""Size of a chunk whose length is not known yet. In RF64: size of a chunk whose length is in ds64."""

PCM = 0x0001
IEEE_FLOAT = 0x0003
ALAW = 0x0006
MULAW = 0x0007
EXTENSIBLE = 0xFFFE

_SUBTYPE_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
"""A KSDATAFORMAT_SUBTYPE_* is the format tag followed by these bytes."""

_INFO_IDS = {
    "title": (b"INAM",),
    "artist": (b"IART",),
    "album": (b"IPRD",),
    "date": (b"ICRD",),
    "genre": (b"IGNR",),
    "comment": (b"ICMT",),
    "track": (b"IPRT", b"ITRK"),  # TagLib reads only the first, libsndfile only the second
}
TAGS = tuple(_INFO_IDS)
"""Tag names that have an INFO chunk. Each of them also has an ID3v2 frame."""


def header(
    *,
    format_tag: int,
    bits: int,
    sample_rate: int,
    channels: int,
    metadata: bytes = b"",
    frames: int | None = None,
) -> bytes:
    """Return all bytes before the first sample.

    `metadata`: chunks before the data. `frames`: samples per channel; None while the stream runs.
    """
    frame_bytes = bits // 8 * channels
    data_bytes = None if frames is None else frames * frame_bytes
    fmt = _fmt(format_tag, bits, sample_rate, channels)
    # The fact chunk has the samples per channel. All formats except integer PCM require it.
    fact_bytes = 12 if format_tag != PCM else 0
    header_bytes = 12 + 36 + len(fmt) + fact_bytes + len(metadata) + 8

    if data_bytes is None or frames is None:
        # 0 in fact, because readers believe any other number and take 0xFFFFFFFF for a duration of days.
        riff, riff_size, data_size, fact, ds64 = b"RIFF", UNKNOWN, UNKNOWN, 0, b"JUNK" + pack("<I28x", 28)
    else:
        size = header_bytes + data_bytes + data_bytes % 2 - 8
        if size < UNKNOWN:
            riff, riff_size, data_size, fact, ds64 = b"RIFF", size, data_bytes, frames, b"JUNK" + pack("<I28x", 28)
        else:
            riff, riff_size, data_size, fact = b"RF64", UNKNOWN, UNKNOWN, min(frames, UNKNOWN)
            ds64 = b"ds64" + pack("<IQQQI", 28, size, data_bytes, frames, 0)
    fact_chunk = b"fact" + pack("<II", 4, fact) if fact_bytes else b""
    return riff + pack("<I", riff_size) + b"WAVE" + ds64 + fmt + fact_chunk + metadata + b"data" + pack("<I", data_size)


def metadata(description: Description) -> bytes:
    """Return the chunks that describe the audio. Their length is even."""
    return _info(description) + _cues(description.chapters) + _id3(description)


def junk(size: int) -> bytes:
    """Return a chunk that readers ignore, with a body of `size` bytes, which must be even."""
    return _chunk(b"JUNK", bytes(size))


def minimal_header(format_tag: int, bits: int, sample_rate: int, channels: int, frames: int | None) -> bytes:
    """Return the 44 bytes of the oldest WAV files, for readers that skip exactly as many.

    There is no `fact` chunk and no WAVE_FORMAT_EXTENSIBLE, although newer versions of the standard require them for some
    formats. There is no room for a ds64 chunk: from 4 GiB on, both sizes stay UNKNOWN.
    """
    data_size = UNKNOWN if frames is None else frames * (bits // 8) * channels
    riff_size = 36 + data_size + data_size % 2
    if riff_size >= UNKNOWN:
        riff_size = data_size = UNKNOWN
    fmt = _chunk(b"fmt ", pack("<H", format_tag) + _fmt_base(bits, sample_rate, channels))
    return b"RIFF" + pack("<I", riff_size) + b"WAVE" + fmt + b"data" + pack("<I", data_size)


def pad(chunk_bytes: int, fill: bytes = b"\0") -> bytes:
    """Return the pad byte after a chunk of odd length. The size of the chunk does not include it.

    RIFF MCI, section 2, requires 0. However, readers of a live file take the pad byte for a sample, and 0 is a loud sample
    in U8 and G.711, so `fill` is the code of silence there. Readers that know the size of the chunk ignore the value.
    """
    return fill * (chunk_bytes % 2)


def _fmt(format_tag: int, bits: int, sample_rate: int, channels: int) -> bytes:
    base = _fmt_base(bits, sample_rate, channels)
    # WAVE_FORMAT_EXTENSIBLE is required for integer PCM of more than 16 bits, and for more than two channels.
    if channels > 2 or (format_tag == PCM and bits > 16):
        extension = pack("<HHIH", 22, bits, channel_mask(channels), format_tag) + _SUBTYPE_GUID_TAIL
        body = pack("<H", EXTENSIBLE) + base + extension
    elif format_tag == PCM:
        body = pack("<H", PCM) + base
    else:
        body = pack("<H", format_tag) + base + pack("<H", 0)
    return _chunk(b"fmt ", body)


def _fmt_base(bits: int, sample_rate: int, channels: int) -> bytes:
    align = bits // 8 * channels
    return pack("<HIIHH", channels, sample_rate, sample_rate * align, align, bits)


def _info(description: Description) -> bytes:
    """Return the LIST chunk of type INFO; empty if there are no tags. Text is UTF-8, like that of TagLib and FFmpeg.

    INFO has one text per name, so several values are joined.
    """
    texts = description.values
    chunks = b"".join(
        _chunk(chunk_id, "; ".join(texts[name]).encode() + b"\0")
        for name, chunk_ids in _INFO_IDS.items()
        if name in texts
        for chunk_id in chunk_ids
    )
    return _chunk(b"LIST", b"INFO" + chunks) if chunks else b""


def _cues(chapters: Sequence[Chapter]) -> bytes:
    """Return the `cue ` chunk, and the LIST chunk of type adtl: labels, notes with the URLs, and lengths of the chapters.

    RIFF MCI, section 3, "Cue-Points Chunk" and "Associated Data Chunk".
    """
    if not chapters:
        return b""
    points, data = b"", b""
    for number, chapter in enumerate(chapters, 1):
        start = min(chapter.start, UNKNOWN)  # positions have 32 bits, also in RF64
        points += pack("<II4sIII", number, start, b"data", 0, 0, start)
        data += _chunk(b"labl", pack("<I", number) + chapter.title.encode() + b"\0")
        if chapter.url:
            data += _chunk(b"note", pack("<I", number) + chapter.url.encode() + b"\0")
        if chapter.has_length:
            region = pack("<II4sHHHH", number, min(chapter.end - chapter.start, UNKNOWN), b"rgn ", 0, 0, 0, 0)
            data += _chunk(b"ltxt", region)
    return _chunk(b"cue ", pack("<I", len(chapters)) + points) + _chunk(b"LIST", b"adtl" + data)


def _id3(description: Description) -> bytes:
    """Return the same tags, and the pictures, as an ID3v2 chunk, like tag editors.

    INFO has no character set, and many readers assume Latin-1. The chapters are cue points only: FFmpeg 5 would list those
    of an ID3v2 chunk twice and out of order.

    The chunk must come after INFO. In the other order, MediaInfo joins the values of both. Its length must be even, because
    mkvmerge takes the pad byte of a chunk for the start of the next one.
    """
    frames = id3.frames(replace(description, chapters=()))
    return _chunk(b"id3 ", id3.tag(frames, len(frames) % 2)) if frames else b""


def _chunk(chunk_id: bytes, body: bytes) -> bytes:
    return chunk_id + pack("<I", len(body)) + body + pad(len(body))
