"""Reads the header of a WAV, so that its samples can be read as raw PCM.

FFmpeg would wait for 64 KiB of samples, which is more than a second of live speech.
"""

import struct

from audiowriter_cli.audio import PcmFormat
from audiowriter_cli.lookahead import LookAhead

_LOOK_BYTES = 64 * 1024
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_SUBFORMAT_END = bytes.fromhex("000000001000800000aa00389b71")  # end of the GUID, after the format tag
_SAMPLE_FORMATS = {
    (_PCM, 1): "u8",
    (_PCM, 2): "s16le",
    (_PCM, 3): "s24le",
    (_PCM, 4): "s32le",
    (_FLOAT, 4): "f32le",
    (_FLOAT, 8): "f64le",
}
_UNKNOWN = (0, 0xFFFFFFFF, 2**64 - 1)  # sizes that a writer leaves if it cannot seek


def read_header(file: LookAhead) -> tuple[PcmFormat, int | None] | None:
    """Read the header of a WAV up to its samples. Return the PCM format and the size of the samples in bytes.

    The size is None if it is unknown. Returns None and consumes nothing if the file is no WAV with PCM samples.
    RIFF, RF64 and BW64: EBU Tech 3306.
    """
    if file.peek(12)[8:] != b"WAVE":
        return None
    at, long_size = 12, 0
    while True:
        name, size = _chunk(file.peek(at + 8)[at:])
        at += 8
        if at + size > _LOOK_BYTES:
            return None
        if name == b"fmt ":
            break
        if name == b"ds64":
            long_size = int.from_bytes(file.peek(at + 16)[at + 8 : at + 16], "little")
        at += size + size % 2
    pcm = _pcm_format(file.peek(at + size)[at:])
    if pcm is None:
        return None
    file.skip(at)
    while name != b"data":
        file.skip(size + size % 2)
        name, size = _chunk(file.peek(8))
        file.skip(8)
    if long_size and size == 0xFFFFFFFF:
        size = long_size
    return pcm, None if size in _UNKNOWN else size


def _chunk(header: bytes) -> tuple[bytes, int]:
    # At the end of the file, return an empty chunk of samples.
    return struct.unpack("<4sI", header) if len(header) == 8 else (b"data", 0)


def _pcm_format(body: bytes) -> PcmFormat | None:
    if len(body) < 16:
        return None
    tag, channels, sample_rate_hz, _, frame_bytes, bits = struct.unpack("<HHIIHH", body[:16])
    if tag == _EXTENSIBLE and body[26:40] == _SUBFORMAT_END:
        tag = int.from_bytes(body[24:26], "little")
    if not channels or frame_bytes % channels:
        return None
    sample_bytes = frame_bytes // channels
    sample_format = _SAMPLE_FORMATS.get((tag, sample_bytes))
    if sample_format is None or not sample_rate_hz or not 8 * (sample_bytes - 1) < bits <= 8 * sample_bytes:
        return None
    return PcmFormat(sample_format, sample_rate_hz, channels)
