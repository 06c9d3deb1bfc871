"""Small parsers of the layouts that the server writes itself, written from the specifications, not from its code."""

from collections.abc import Iterator
from struct import unpack_from
from typing import Any

Fields = dict[str, Any]


def bits(data: bytes, *widths: tuple[str, int]) -> Fields:
    """Read big-endian bit fields from the first byte on."""
    total = sum(width for _, width in widths)
    value = int.from_bytes(data[: (total + 7) // 8], "big") >> -total % 8
    fields: Fields = {}
    for name, width in reversed(widths):
        fields[name] = value & ((1 << width) - 1)
        value >>= width
    return fields


def mpeg_header(frame: bytes) -> Fields:
    """ISO/IEC 11172-3, section 2.4.1.3."""
    return bits(
        frame,
        *(("sync", 11), ("version", 2), ("layer", 2), ("no_crc", 1), ("bitrate", 4), ("rate", 2), ("padding", 1)),
        *(("private", 1), ("mode", 2), ("mode_extension", 2), ("copyright", 1), ("original", 1), ("emphasis", 2)),
    )


def after_id3v2(file: bytes) -> int:
    """Return the offset of the first byte after an ID3v2 tag. ID3v2.4.0 structure, section 3.1."""
    if file[:3] != b"ID3":
        return 0
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(file[6:10], (21, 14, 7, 0), strict=True))


def lame_tag(file: bytes) -> Fields:
    """Read the first frame with its Xing header and LAME's extension. Mp3 Info Tag revision 1, draft 0."""
    frame = file[after_id3v2(file) :]
    header = mpeg_header(frame)
    mpeg1, mono = header["version"] == 3, header["mode"] == 3
    at = 4 + ((17 if mono else 32) if mpeg1 else (9 if mono else 17))
    fields = {f"header {name}": value for name, value in header.items()}
    fields["side info"] = frame[4:at]
    fields["id"], flags = unpack_from(">4sI", frame, at)
    fields["flags"] = flags
    fields["frames"], fields["bytes"] = unpack_from(">II", frame, at + 8)
    fields["toc"], fields["quality"] = frame[at + 16 : at + 116], frame[at + 119]
    lame = frame[at + 120 :]
    fields["encoder"] = lame[:9]
    fields |= bits(lame[9:], ("revision", 4), ("method", 4))
    fields |= {"lowpass": lame[10], "peak": lame[11:15], "replay gain": lame[15:19]}
    fields |= bits(lame[19:], ("encoding flags", 4), ("ath type", 4), ("bitrate", 8), ("delay", 12), ("padding", 12))
    fields |= bits(lame[24:], ("source rate", 2), ("unwise", 1), ("stereo mode", 3), ("noise shaping", 2))
    fields |= {"gain": lame[25], "preset": lame[26:28]}
    fields["music length"], fields["music crc"], fields["tag crc"] = unpack_from(">IHH", lame, 28)
    fields["tag crc holds"] = crc16(frame[: at + 154]) == fields["tag crc"]
    return fields


def mpeg_frame_bytes(frame: bytes) -> int:
    """Return the length of a layer III frame of MPEG-2 at 24 kHz, the only kind that is used here."""
    header = mpeg_header(frame)
    kbps = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)[header["bitrate"]]
    return 72 * kbps * 1000 // 24000 + int(header["padding"])


def crc16(data: bytes) -> int:
    """CRC-16 of polynomial 0x8005, reflected, from 0."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def id3v1(file: bytes) -> Fields:
    """Read the last 128 bytes. ID3v1.1."""
    tag = file[-128:]
    cuts = {"title": (3, 33), "artist": (33, 63), "album": (63, 93), "year": (93, 97), "comment": (97, 125)}
    fields: Fields = {name: tag[start:stop].rstrip(b"\0 ") for name, (start, stop) in cuts.items()}
    return {"id": tag[:3], **fields, "zero": tag[125], "track": tag[126], "genre": tag[127]}


def riff(data: bytes) -> dict[str, bytes]:
    """Return the chunks by ID, in their order; the file's own as "RIFF" with 8 bytes: its ID and its size."""
    chunks = {"RIFF": data[:8]}
    at = 12
    while at + 8 <= len(data):
        name, size = unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + size]
        chunks[name.decode() + (f" {body[:4].decode()}" if name == b"LIST" else "")] = body
        at += 8 + size + size % 2
    return chunks


def wave_format(chunk: bytes) -> Fields:
    """Read WAVEFORMATEX and WAVEFORMATEXTENSIBLE."""
    names = ("tag", "channels", "rate", "bytes per second", "align", "bits")
    fields = dict(zip(names, unpack_from("<HHIIHH", chunk), strict=True))
    if len(chunk) >= 40:
        fields["valid bits"], fields["mask"] = unpack_from("<HI", chunk, 18)
        fields["subtype"] = chunk[24:40]
    return fields


def adts(file: bytes) -> Iterator[Fields]:
    """Read the header of each frame. ISO/IEC 13818-7, section 6.2."""
    at = 0
    while at < len(file):
        header = bits(
            file[at : at + 7],
            *(("sync", 12), ("id", 1), ("layer", 2), ("no_crc", 1), ("profile", 2), ("rate", 4), ("private", 1)),
            *(("channels", 3), ("original", 1), ("home", 1), ("copyright bit", 1), ("copyright start", 1)),
            *(("length", 13), ("fullness", 11), ("blocks", 2)),
        )
        yield header
        at += header["length"]


def ogg_pages(file: bytes) -> Iterator[Fields]:
    """RFC 3533, section 6."""
    at = 0
    while at < len(file):
        names = ("capture", "version", "flags", "granule", "serial", "sequence", "crc", "segments")
        page: Fields = dict(zip(names, unpack_from("<4sBBqIIIB", file, at), strict=True))
        lacing = file[at + 27 : at + 27 + page["segments"]]
        end = at + 27 + len(lacing) + sum(lacing)
        whole = file[at : at + 22] + bytes(4) + file[at + 26 : end]
        yield page | {"body": file[at + 27 + len(lacing) : end], "crc holds": ogg_crc(whole) == page["crc"]}
        at = end


def ogg_crc(data: bytes) -> int:
    """CRC-32 of polynomial 0x04c11db7, not reflected, from 0."""
    crc = 0
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


def opus_head(packet: bytes) -> Fields:
    """RFC 7845, section 5.1."""
    names = ("magic", "version", "channels", "pre-skip", "rate", "gain", "family")
    fields = dict(zip(names, unpack_from("<8sBBHIhB", packet), strict=True))
    return fields | {"mapping": packet[19:]}
