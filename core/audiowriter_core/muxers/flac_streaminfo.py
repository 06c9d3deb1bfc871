"""FLAC's marker and STREAMINFO. RFC 9639, sections 6 and 8.2."""

from hashlib import md5
from struct import pack


def empty_file(*, sample_rate: int, channels: int, bits: int, block_samples: int) -> bytes:
    """Return a FLAC file without audio: the marker, and STREAMINFO with 0 samples and the MD5 of no data."""
    packed = sample_rate << 44 | (channels - 1) << 41 | (bits - 1) << 36  # 36 bits of total samples: 0
    streaminfo = pack(">HH6xQ", block_samples, block_samples, packed) + md5(usedforsecurity=False).digest()
    last_streaminfo = b"\x80" + len(streaminfo).to_bytes(3, "big")
    return b"fLaC" + last_streaminfo + streaminfo
