"""MP3: LAME through lameenc, between an ID3v2 tag, an Info frame of our own, and an ID3v1 tag. ISO/IEC 11172-3.

lameenc switches LAME's Info frame off, because that one is written by seeking back. Ours stands in its place: silent while
the stream runs, with frame count, TOC, delay and padding in the header of `finished`.
"""

from typing import ClassVar

import lameenc
from fastcrc import crc16

from ..containers import id3, mpeg_audio
from ..containers.mp3_info import InfoFrame, SeekTable, Totals
from ..errors import EncodeError
from ..options import OutputOptions
from ..samples import S16LE, Samples
from .base import TAGS, Finish, FormatSpec

DELAY_SAMPLES = 576
"""LAME's encoder delay."""
VBR_MTRH = 4
"""LAME's own choice among its VBR modes."""


class Mp3Encoder:
    """Constant bitrate, or variable at constant quality; exact to the sample in decoders that read LAME's tag."""

    spec: ClassVar[FormatSpec] = FormatSpec(
        name="mp3",
        mime_type="audio/mpeg",
        file_extension=".mp3",
        sample_types=(S16LE,),
        sample_rates=tuple(sorted(mpeg_audio.RATES)),
        channels=(1, 2),
        lookahead_samples=2 * 1152,
        encode_ms_per_second=5,
        bitrates=lambda rate, channels: mpeg_audio.bitrates(rate),
        bitrate_bounds=(8000, 320_000),
        bitrate_per_channel=64_000,
        takes_vbr_quality=True,
        effort=7,
        tags=TAGS,
        finalizes_header=True,
    )
    delay_samples = DELAY_SAMPLES
    wanted_samples = 1  # only LAME knows how much it wants

    def __init__(self, output: OutputOptions) -> None:
        assert output.effort is not None
        effort_level = round(9 - 0.9 * output.effort)
        vbr_level = 4 if output.vbr_quality is None else 9 * (1 - output.vbr_quality)
        self._output = output
        self._id3v2, self._id3v1 = id3.tags(output.tags)
        self._info = InfoFrame(
            sample_rate=output.sample_rate_hz,
            channels=output.channels,
            bitrate_bps=output.bitrate_bps,
            vbr_level=round(vbr_level),
            effort_level=effort_level,
            encoder="LAME3.100",
        )
        self._frame_samples = mpeg_audio.frame_samples(output.sample_rate_hz)
        self._walker = mpeg_audio.FrameWalker()
        self._seek_table = SeekTable()
        self._crc = 0
        self._samples = 0
        lame = lameenc.Encoder()
        lame.silence()
        lame.set_channels(output.channels)
        lame.set_in_sample_rate(output.sample_rate_hz)
        lame.set_out_sample_rate(output.sample_rate_hz)  # unset, LAME resamples as it likes
        lame.set_quality(effort_level)
        if output.bitrate_bps is None:
            lame.set_vbr(VBR_MTRH)
            lame.set_vbr_quality(vbr_level)
        else:
            lame.set_bit_rate(output.bitrate_bps // 1000)
        self._lame: lameenc.Encoder | None = lame

    @property
    def held_samples(self) -> int:
        return self._samples - max(0, self._seek_table.frames * self._frame_samples - DELAY_SAMPLES)

    def start(self) -> bytes:
        self._count(self._lame_bytes(b""))  # LAME refuses to finish what was never begun
        return self._id3v2 + self._info.silent()

    def encode(self, samples: Samples) -> bytes:
        self._samples += len(samples)
        return self._count(self._lame_bytes(samples.tobytes()))

    def flush(self) -> bytes:
        return b""  # LAME's flush ends the stream: it empties the bit reservoir and pads the frame

    def finish(self) -> Finish:
        assert self._lame is not None
        try:
            rest = self._count(bytes(self._lame.flush()))
        except RuntimeError as exc:
            raise EncodeError(f"lame: flush: {exc}") from exc
        table = self._seek_table
        padding = table.frames * self._frame_samples - DELAY_SAMPLES - self._samples
        totals = Totals(
            frames=table.frames,
            music_bytes=table.bytes,
            music_crc=self._crc,
            toc=table.toc(len(self._info.silent())),
            delay_samples=DELAY_SAMPLES,
            padding_samples=padding,
        )
        return Finish(
            header=self._id3v2 + self._info.final(totals), trailer=rest + self._id3v1, padding_samples=padding
        )

    def close(self) -> None:
        self._lame = None

    def _lame_bytes(self, pcm: bytes) -> bytes:
        assert self._lame is not None
        try:
            return bytes(self._lame.encode(pcm))
        except RuntimeError as exc:
            raise EncodeError(f"lame: encode: {exc}") from exc

    def _count(self, data: bytes) -> bytes:
        for size in self._walker.walk(data):
            self._seek_table.add(size)
        self._crc = crc16.arc(data, self._crc)
        return data
