"""MP3 through lameenc (LAME). ISO/IEC 11172-3 and 13818-3, layer III."""

from typing import ClassVar

import lameenc

from ..audio.sample_types import S16LE, Samples
from ..errors import EncodeError
from ..muxers import mpeg_audio
from ..options import OutputOptions
from .base import CodecSpec, Packet

DELAY_SAMPLES = 576
"""LAME's encoder delay."""
VBR_MTRH = 4
"""LAME's default VBR mode."""


class Mp3Codec:
    """Encodes at a constant bitrate, or at a variable bitrate with constant quality.

    LAME's output may end inside a frame, because the data of a frame can start in earlier frames (the bit reservoir). A
    packet has the bytes of one call. Its `samples` are 0, and the muxer counts the frames.
    """

    spec: ClassVar[CodecSpec] = CodecSpec(
        name="mp3",
        sample_types=(S16LE,),
        sample_rates=tuple(sorted(mpeg_audio.RATES)),
        channels=(1, 2),
        lookahead_samples=2 * 1152,
        encode_ms_per_second=(3, 3, 3, 3, 5, 5, 5, 5, 8, 10, 18),
        bitrates=lambda rate, channels: mpeg_audio.bitrates(rate),
        bitrate_bounds=(8000, 320_000),
        bitrate_per_channel=64_000,
        takes_vbr_quality=True,
        effort=7,
    )
    delay_samples = DELAY_SAMPLES
    header = b""
    wanted_samples = 1  # LAME does not report how many samples it needs

    def __init__(self, output: OutputOptions) -> None:
        assert output.effort is not None
        self.effort_level = round(9 - 0.9 * output.effort)
        """LAME's -q, 0 to 9."""
        vbr_level = 4 if output.vbr_quality is None else 9 * (1 - output.vbr_quality)
        self.vbr_level = round(vbr_level)
        """LAME's -V, 0 to 9."""
        self.frame_samples = mpeg_audio.frame_samples(output.sample_rate_hz)
        lame = lameenc.Encoder()
        lame.silence()
        lame.set_channels(output.channels)
        lame.set_in_sample_rate(output.sample_rate_hz)
        lame.set_out_sample_rate(output.sample_rate_hz)  # otherwise LAME may resample
        lame.set_quality(self.effort_level)
        if output.bitrate_bps is None:
            lame.set_vbr(VBR_MTRH)
            lame.set_vbr_quality(vbr_level)
        else:
            lame.set_bit_rate(output.bitrate_bps // 1000)
        self._lame: lameenc.Encoder | None = lame
        self._first = self._encode(b"")  # lameenc cannot flush before the first encode call

    def encode(self, samples: Samples) -> list[Packet]:
        first, self._first = self._first, b""
        return [Packet(first + self._encode(samples.tobytes()), 0)]

    def finish(self) -> list[Packet]:
        assert self._lame is not None
        try:
            return [Packet(self._first + bytes(self._lame.flush()), 0)]
        except RuntimeError as exc:
            raise EncodeError(f"lame: flush: {exc}") from exc

    def silent_packets(self) -> list[Packet]:
        return self.finish()

    def close(self) -> None:
        self._lame = None

    def _encode(self, pcm: bytes) -> bytes:
        assert self._lame is not None
        try:
            return bytes(self._lame.encode(pcm))
        except RuntimeError as exc:
            raise EncodeError(f"lame: encode: {exc}") from exc
