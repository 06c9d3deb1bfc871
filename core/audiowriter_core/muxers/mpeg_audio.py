"""Frame headers of MPEG-1, MPEG-2 and MPEG-2.5 layer III. ISO/IEC 11172-3, section 2.4.1.3; ISO/IEC 13818-3, 2.4.2.3."""

from collections.abc import Iterator

MONO, JOINT_STEREO = 3, 1
"""Channel modes."""

_MPEG1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)

RATES: dict[int, tuple[int, int]] = {
    44100: (3, 0), 48000: (3, 1), 32000: (3, 2),
    22050: (2, 0), 24000: (2, 1), 16000: (2, 2),
    11025: (0, 0), 12000: (0, 1), 8000: (0, 2),
}  # fmt: skip
"""Version id (3 MPEG-1, 2 MPEG-2, 0 MPEG-2.5) and sampling_frequency index of each sample rate in Hz."""

_RATE_OF = {key: rate for rate, key in RATES.items()}


def frame_samples(sample_rate: int) -> int:
    """Return the samples per channel in a frame: two granules of 576 in MPEG-1, one in MPEG-2 and MPEG-2.5."""
    return 1152 if RATES[sample_rate][0] == 3 else 576


def side_info_bytes(sample_rate: int, channels: int) -> int:
    """Return the number of bytes of side information after the header."""
    if RATES[sample_rate][0] == 3:
        return 17 if channels == 1 else 32
    return 9 if channels == 1 else 17


def bitrates(sample_rate: int) -> tuple[int, ...]:
    """Return the bitrates, in bits per second, that a sample rate allows. LAME limits MPEG-2.5 to 64 kbit/s."""
    version = RATES[sample_rate][0]
    kbps = _MPEG1 if version == 3 else _MPEG2 if version == 2 else _MPEG2[:8]
    return tuple(1000 * rate for rate in kbps)


def header(sample_rate: int, bitrate_bps: int, channels: int) -> bytes:
    """Return the header of a frame without CRC and padding."""
    version, rate_index = RATES[sample_rate]
    table = _MPEG1 if version == 3 else _MPEG2
    bits = 0x7FF << 21 | version << 19 | 1 << 17 | 1 << 16  # sync, version, layer III, no CRC
    bits |= (table.index(bitrate_bps // 1000) + 1) << 12 | rate_index << 10
    bits |= (MONO if channels == 1 else JOINT_STEREO) << 6 | 1 << 2  # mode, original
    return bits.to_bytes(4, "big")


def frame_bytes(header: bytes) -> int:
    """Return the length, in bytes, of the frame with this header, including the header."""
    bits = int.from_bytes(header[:4], "big")
    version, rate = bits >> 19 & 3, _RATE_OF[bits >> 19 & 3, bits >> 10 & 3]
    kbps = (_MPEG1 if version == 3 else _MPEG2)[(bits >> 12 & 15) - 1]
    return frame_samples(rate) // 8 * kbps * 1000 // rate + (bits >> 9 & 1)


class FrameWalker:
    """Finds the frames in a stream that is cut anywhere."""

    def __init__(self) -> None:
        self._skip = 0  # bytes before the next header
        self._rest = b""  # the first bytes of an incomplete header

    def walk(self, data: bytes) -> Iterator[int]:
        """Yield the length of each frame whose header is complete with these bytes."""
        data = self._rest + data
        position = self._skip
        while position + 4 <= len(data):
            size = frame_bytes(data[position : position + 4])
            yield size
            position += size
        self._rest = data[position:]
        self._skip = max(0, position - len(data))
