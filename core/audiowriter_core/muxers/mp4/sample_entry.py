"""The mp4a sample entry and its descriptors. ISO/IEC 14496-12, section 12.2.3; 14496-14, 5.6; 14496-1, 7.2.6."""

from struct import pack

from .boxes import Box, box, full_box

_MPEG4_AUDIO = 0x40
_AUDIO_STREAM = 5
_ES, _DECODER_CONFIG, _DECODER_SPECIFIC, _SL_CONFIG = 3, 4, 5, 6
_MAX_FRAME_BYTES = 768
"""Per channel: 6144 bits."""


def mp4a(sample_rate: int, channels: int, bitrate_bps: int, audio_specific_config: bytes) -> Box:
    """Return the sample entry of an AAC track."""
    rate_field = sample_rate if sample_rate < 2**16 else 0  # 16 bits; readers use the AudioSpecificConfig anyway
    return box(
        b"mp4a",
        pack(">6xH8xHHHHI", 1, channels, 16, 0, 0, rate_field << 16),
        full_box(b"esds", 0, 0, _es_descriptor(channels, bitrate_bps, audio_specific_config)),
    )


def _es_descriptor(channels: int, bitrate_bps: int, audio_specific_config: bytes) -> bytes:
    config = _descriptor(
        _DECODER_CONFIG,
        pack(">BB", _MPEG4_AUDIO, _AUDIO_STREAM << 2 | 1),
        (_MAX_FRAME_BYTES * channels).to_bytes(3, "big"),
        pack(">II", bitrate_bps, bitrate_bps),  # maximum and average
        _descriptor(_DECODER_SPECIFIC, audio_specific_config),
    )
    predefined_for_mp4 = b"\x02"
    return _descriptor(_ES, pack(">HB", 0, 0), config, _descriptor(_SL_CONFIG, predefined_for_mp4))


def _descriptor(tag: int, *parts: bytes) -> bytes:
    """Return a descriptor of less than 128 bytes. Its size takes four bytes, as other writers do and some readers expect."""
    body = b"".join(parts)
    return pack(">B3sB", tag, b"\x80\x80\x80", len(body)) + body
