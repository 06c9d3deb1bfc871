"""The Info frame of MP3 files: Xing's header with LAME's extension, in a frame that decodes as silence.

Xing Inc., VBR header (1998); G. Bouvigne and M. Taylor, Mp3 Info Tag revision 1 (draft 0).
"""

from dataclasses import dataclass
from functools import cached_property
from struct import pack

from fastcrc import crc16

from . import mpeg_audio
from .seek_points import SeekPoints

_XING_BYTES = 120
_LAME_BYTES = 36
_ALL_FIELDS = 0xF  # frames, bytes, TOC, quality
_CBR, _VBR_MTRH = 1, 4  # LAME's VBR methods


@dataclass(frozen=True)
class Totals:
    """Values that are known at the end of a stream."""

    frames: int
    """Audio frames, without the Info frame."""
    music_bytes: int
    """Bytes of the audio frames."""
    music_crc: int
    toc: bytes
    delay_samples: int
    padding_samples: int


@dataclass(frozen=True)
class InfoFrame:
    """The first frame of a stream. Its length is the same with and without totals."""

    sample_rate: int
    channels: int
    bitrate_bps: int | None
    """None: the bitrate is variable."""
    vbr_level: int
    """LAME's -V, 0 to 9."""
    effort_level: int
    """LAME's -q, 0 to 9."""
    encoder: str
    """At most nine characters. Decoders use delay and padding if it begins with LAME."""

    def silent(self) -> bytes:
        """Return the frame without totals: the header, then zeros, which decode as silence."""
        return self._header.ljust(self.size, b"\0")

    def final(self, totals: Totals) -> bytes:
        """Return the frame with the totals."""
        stream_bytes = self.size + totals.music_bytes
        tag = self._header + bytes(mpeg_audio.side_info_bytes(self.sample_rate, self.channels))
        tag += b"Xing" if self.bitrate_bps is None else b"Info"
        tag += pack(">III", _ALL_FIELDS, totals.frames, min(stream_bytes, 0xFFFFFFFF)) + totals.toc
        tag += pack(">I", 100 - 10 * self.vbr_level - self.effort_level)
        tag += self._lame(totals, stream_bytes)
        return (tag + pack(">H", crc16.arc(tag))).ljust(self.size, b"\0")

    def _lame(self, totals: Totals, stream_bytes: int) -> bytes:
        method = _VBR_MTRH if self.bitrate_bps is None else _CBR
        source_rate = 0 if self.sample_rate <= 32000 else 1 if self.sample_rate == 44100 else 2
        stereo_mode = 0 if self.channels == 1 else 3
        lowest_bitrate = mpeg_audio.bitrates(self.sample_rate)[0]
        return (
            self.encoder.encode().ljust(9, b"\0")[:9]
            + pack(">BB", method, 0)  # revision 0 and method; lowpass unknown
            + bytes(9)  # replay gain: peak, radio, audiophile unknown; encoding flags and ATH type
            + pack(">B", min((self.bitrate_bps or lowest_bitrate) // 1000, 255))
            + (totals.delay_samples << 12 | totals.padding_samples).to_bytes(3, "big")
            + pack(">BBH", source_rate << 6 | stereo_mode << 2, 0, 0)  # misc; MP3 gain; surround and preset
            + pack(">IH", min(stream_bytes, 0xFFFFFFFF), totals.music_crc)
        )

    @cached_property
    def size(self) -> int:
        """Length of the frame in bytes."""
        return mpeg_audio.frame_bytes(self._header)

    @cached_property
    def _header(self) -> bytes:
        """A header with the bitrate of the stream, or the next higher one whose frame has room for the tag."""
        needed = 4 + mpeg_audio.side_info_bytes(self.sample_rate, self.channels) + _XING_BYTES + _LAME_BYTES
        for bitrate in mpeg_audio.bitrates(self.sample_rate):
            header = mpeg_audio.header(self.sample_rate, bitrate, self.channels)
            if bitrate >= (self.bitrate_bps or 0) and mpeg_audio.frame_bytes(header) >= needed:
                return header
        raise AssertionError("at every sample rate, the longest frame has room for the tag")


class SeekTable:
    """Collects the positions of frames, and computes the TOC from them."""

    MAX_POINTS = 400

    def __init__(self) -> None:
        self.frames = 0
        self.bytes = 0
        self._starts = SeekPoints[int](self.MAX_POINTS)

    def add(self, frame_bytes: int) -> None:
        """Add the next frame."""
        self._starts.add(self.bytes)
        self.frames += 1
        self.bytes += frame_bytes

    def toc(self, bytes_before: int) -> bytes:
        """Return 100 bytes: for each hundredth of the duration, its position in 256ths of the stream's length.

        `bytes_before`: length of the Info frame, which the positions and the length include.
        """
        stream_bytes = bytes_before + self.bytes
        starts, step, frames = self._starts.points, self._starts.step, self.frames
        return bytes([256 * (bytes_before + starts[i * frames // 100 // step]) // stream_bytes for i in range(100)])
