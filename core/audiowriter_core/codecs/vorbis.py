"""Ogg Vorbis files through libsndfile (libvorbis). Vorbis I, RFC 3533.

libsndfile returns a page when libogg considers it full, at about 4 KiB, and has no option for smaller pages. At 24 kHz mono
and the default quality, a page has 0.7 s of speech. Silence takes almost no bytes, so its pages end at the maximum of 255
packets, which are 11 s. No other Python package that comes as a wheel contains libvorbis.
"""

from functools import cache
from typing import ClassVar

from ..audio.frames import FrameCutter
from ..audio.layouts import VORBIS_ORDER
from ..audio.sample_types import F32LE, Samples
from ..description import Description
from ..muxers.base import REPEATABLE_TAGS, TAGS, Finish, MuxerSpec
from ..muxers.ogg_vorbis import VorbisPages, vendor_of_file
from ..options import OutputOptions
from .base import CodecSpec
from .sndfile import SndfileWriter

BLOCK_SAMPLES = 1024
FIRST_SAMPLES = 8 * BLOCK_SAMPLES
"""Samples per channel that libvorbis receives in blocks of BLOCK_SAMPLES. Its first windows depend on how much input it
has. With a fixed block length, the file does not depend on how the caller cut the PCM. Later blocks may be longer: libvorbis
decides on a window when it has all samples that the decision needs."""

MAX_PAGE_PACKETS = 255
"""A page has at most 255 segments, and a packet takes at least one. RFC 3533, section 6."""


class OggVorbisFile:
    """Encodes at a variable bitrate with constant quality. The last granule position gives the exact length."""

    spec: ClassVar[CodecSpec] = CodecSpec(
        name="vorbis",
        sample_types=(F32LE,),
        sample_rates=(8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000, 192000),
        channels=tuple(range(1, 9)),
        lookahead_samples=MAX_PAGE_PACKETS * 1024,
        encode_ms_per_second=7,
        takes_vbr_quality=True,
        vbr_quality=0.4,
    )
    container: ClassVar[MuxerSpec] = MuxerSpec(
        tags=TAGS, repeatable_tags=REPEATABLE_TAGS, takes_pictures=True, takes_marker_urls=True
    )
    delay_samples = 0

    def __init__(self, output: OutputOptions) -> None:
        assert output.vbr_quality is not None
        self._channels = output.channels
        self._pages = VorbisPages(output, _vendor())
        self._frames = FrameCutter(BLOCK_SAMPLES)
        self.samples = 0
        self._returned = 0  # samples of the pages so far
        self._writer = SndfileWriter("OGG", "VORBIS", output.sample_rate_hz, output.channels, 1 - output.vbr_quality)

    @property
    def held_samples(self) -> int:
        return self.samples - self._returned

    @property
    def wanted_samples(self) -> int:
        return self._frames.wanted

    def start(self) -> bytes:
        return b""  # libsndfile writes the three header packets with the first samples

    def describe(self, description: Description) -> None:
        self._pages.room.replace(description)

    def encode(self, samples: Samples) -> bytes:
        first = max(0, FIRST_SAMPLES - self.samples + len(self._frames))
        self.samples += len(samples)
        whole = self._frames.whole(samples)
        blocks = [whole[start : start + BLOCK_SAMPLES] for start in range(0, min(first, len(whole)), BLOCK_SAMPLES)]
        if len(whole) > first:
            blocks.append(whole[first:])
        data = b"".join([self._write(block) for block in blocks])
        if data:
            self._returned = self.samples - len(self._frames)
        return data

    def flush(self) -> bytes:
        return b""  # libsndfile cannot end a page before it is full

    def finish(self) -> Finish:
        rest = self._frames.rest()
        data = b"" if rest is None else self._write(rest)
        trailer = data + self._pages.rewrite(self._writer.finish()[1])
        return Finish(header=self._pages.final_head(), replaced=self._pages.head, trailer=trailer)

    def close(self) -> None:
        self._writer.close()

    def _write(self, samples: Samples) -> bytes:
        ordered = samples[:, VORBIS_ORDER[self._channels]] if self._channels > 2 else samples
        return self._pages.rewrite(self._writer.write(ordered))


@cache
def _vendor() -> str:
    """Return libvorbis's name of itself, which is only in files."""
    return vendor_of_file(SndfileWriter("OGG", "VORBIS", 8000, 1, 0.5).finish()[1])
