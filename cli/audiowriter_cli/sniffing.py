"""Recognises the kind of an audio file by its first bytes."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from audiowriter_cli.lookahead import LookAhead

Peek = Callable[[int], bytes]


@dataclass(frozen=True)
class Kind:
    """A kind of file."""

    name: str
    demuxer: str | None = None  # name of FFmpeg's demuxer; None: FFmpeg has to probe the file and its streams
    streams: bool = True  # whether FFmpeg can decode it without seeking


ADTS, MP3, WAV = Kind("ADTS", "aac"), Kind("MP3", "mp3"), Kind("WAV", "wav")

_SIGNATURES = {
    b"RF64": WAV,
    b"BW64": WAV,
    b"RIFX": Kind("WAV", streams=False),  # FFmpeg reads the samples as little-endian
    b"fLaC": Kind("FLAC", "flac"),
    b"OggS": Kind("Ogg", "ogg"),
    b"\x1aE\xdf\xa3": Kind("Matroska", "matroska"),
    b"caff": Kind("CAF", streams=False),
    b".snd": Kind("AU", "au"),
    b"riff\x2e\x91\xcf\x11": Kind("Wave64", "w64"),
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": Kind("ASF"),
    b"FLV\1": Kind("FLV"),
    b"#!AMR": Kind("AMR"),
    b"wvpk": Kind("WavPack", streams=False),
    b"TTA1": Kind("TTA"),
    b"MAC ": Kind("Monkey's Audio", streams=False),
    b"MPCK": Kind("Musepack", streams=False),
    b"MP+": Kind("Musepack", streams=False),
    b"DSD ": Kind("DSF", streams=False),
    b"FRM8": Kind("DSDIFF", streams=False),
    b"\x7f\xfe\x80\x01": Kind("DTS"),
    b"ADIF": Kind("ADIF", streams=False),
    b"Creative": Kind("VOC", streams=False),
}
# Type of an IFF or RIFF file, after its size.
_FORMS = {
    b"WAVE": WAV,
    b"AVI ": Kind("AVI"),
    b"AIFF": Kind("AIFF", "aiff"),
    b"AIFC": Kind("AIFF", "aiff"),
    b"8SVX": Kind("8SVX", streams=False),
}
# Types of the first box of an MP4 or QuickTime file, after its size.
_FIRST_BOXES = (b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot", b"sidx")
_LOOK_BYTES = 64 * 1024
_TS_PACKET_BYTES = 188


def recognise(file: LookAhead) -> Kind | None:
    """Return the kind of `file`, or None if it is unknown. Discards ID3 tags before the audio.

    Looks at 8 bytes only, unless these bytes could be the start of a frame. Then it also looks for a second frame.
    """
    tagged = False
    while size := _id3_bytes(file.peek(3), file.peek):
        file.skip(size)
        tagged = True
    return _kind(file.peek) or (MP3 if tagged else None)


def _id3_bytes(start: bytes, peek: Peek) -> int:
    # ID3v2.4 structure, section 3.1. A size has 7 bits per byte.
    if start != b"ID3" or len(header := peek(10)) < 10 or max(header[6:]) > 127:
        return 0
    size = sum(byte << shift for byte, shift in zip(header[6:], (21, 14, 7, 0), strict=True))
    return 10 + size + (10 if header[5] & 0x10 else 0)


def _kind(peek: Peek) -> Kind | None:
    start = peek(8)
    for signature, kind in _SIGNATURES.items():
        if start.startswith(signature):
            return kind
    if start[:4] in (b"RIFF", b"FORM"):
        return _FORMS.get(peek(12)[8:])
    if start[4:] in _FIRST_BOXES:
        return Kind("MP4", "mov", streams=_index_first(peek))
    if start[:1] == b"G" and all(peek(n * _TS_PACKET_BYTES + 1)[n * _TS_PACKET_BYTES :] == b"G" for n in (1, 2)):
        return Kind("MPEG-TS")
    for kind, header in ((ADTS, _adts_header(start)), (MP3, _mpeg_header(start))):
        # PCM may contain the few fixed bits of a header, but hardly a second header at the end of that frame.
        if header and _matches(peek(header.frame_bytes + 4)[header.frame_bytes :], start, header.same_bits):
            return kind
    return None


def _index_first(peek: Peek) -> bool:
    # ISO/IEC 14496-12, section 4.2: size, type, and a 64-bit size if the size is 1.
    at = 0
    while at < _LOOK_BYTES and len(box := peek(at + 16)[at:]) == 16:
        size, kind, long_size = struct.unpack(">I4sQ", box)
        if kind in (b"moov", b"mdat"):
            return bool(kind == b"moov")
        size = long_size if size == 1 else size
        if size < 8:
            break
        at += size
    return False


@dataclass(frozen=True)
class _Header:
    frame_bytes: int
    same_bits: int  # mask of the bits, of the first 32, that are equal in all headers of a stream


def _matches(following: bytes, start: bytes, same_bits: int) -> bool:
    if not following:
        return True  # the file has only one frame
    both = (int.from_bytes(header[:4], "big") & same_bits for header in (following, start))
    return len(following) >= 4 and next(both) == next(both)


def _adts_header(start: bytes) -> _Header | None:
    # ISO/IEC 14496-3, table 1.A.6: sync word, layer 0, one of 13 sample rates, frame length of 13 bits.
    if len(start) < 7 or start[0] != 0xFF or start[1] & 0xF6 != 0xF0 or start[2] >> 2 & 15 > 12:
        return None
    size = (start[3] & 3) << 11 | start[4] << 3 | start[5] >> 5
    return _Header(size, 0xFFFFFFF0) if size > 7 else None


# (MPEG-1, layer) -> kbit/s, from ISO/IEC 11172-3 and 13818-3. The index in the header starts at 1.
_BITRATES = {
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SAMPLE_RATES_HZ = (44100, 48000, 32000)


def _mpeg_header(start: bytes) -> _Header | None:
    # ISO/IEC 11172-3, section 2.4.1.3. MPEG-2 halves the sample rate, MPEG-2.5 halves it twice.
    if len(start) < 4 or start[0] != 0xFF or start[1] & 0xE0 != 0xE0:
        return None
    halved = {3: 0, 2: 1, 0: 2}.get(start[1] >> 3 & 3)
    layer, bitrate, rate = 4 - (start[1] >> 1 & 3), start[2] >> 4, start[2] >> 2 & 3
    if halved is None or layer not in (2, 3) or bitrate in (0, 15) or rate == 3:
        return None
    samples = 576 if layer == 3 and halved else 1152
    bytes_per_second = _BITRATES[not halved, layer][bitrate - 1] * 125
    size = samples * bytes_per_second // (_SAMPLE_RATES_HZ[rate] >> halved) + (start[2] >> 1 & 1)
    return _Header(size, 0xFFFE0C00)
