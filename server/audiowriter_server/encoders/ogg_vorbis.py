"""Ogg Vorbis through libsndfile (libvorbis). Vorbis I, RFC 3533.

libsndfile hands out a page when libogg deems it full, and has no switch for less: 4 KiB, at 24 kHz mono and default quality
0.7 s of speech. Of silence, which takes next to nothing, a page holds all the packets that it has room for: 11 s. No other
library with a wheel brings libvorbis.
"""

from typing import ClassVar

from ..channels import VORBIS_ORDER
from ..options import OutputOptions
from ..samples import F32LE, Samples
from .base import TAGS, Finish, FormatSpec
from .frames import FrameCutter
from .sndfile import SndfileWriter

BLOCK_SAMPLES = 1024
"""What libvorbis is fed with at a time. How much it has seen decides its first windows: a fixed size makes the file the
same however the caller cut the PCM."""


MAX_PAGE_PACKETS = 255
"""RFC 3533, section 6: each packet takes a segment at least."""


class OggVorbisEncoder:
    """Variable bitrate at constant quality; the last granule position cuts the file to the sample."""

    spec: ClassVar[FormatSpec] = FormatSpec(
        name="vorbis",
        mime_type="audio/ogg; codecs=vorbis",
        file_extension=".ogg",
        sample_types=(F32LE,),
        sample_rates=(8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000, 192000),
        channels=tuple(range(1, 9)),
        lookahead_samples=MAX_PAGE_PACKETS * 1024,
        encode_ms_per_second=7,
        takes_vbr_quality=True,
        vbr_quality=0.4,
        tags=TAGS,
    )
    delay_samples = 0

    def __init__(self, output: OutputOptions) -> None:
        assert output.vbr_quality is not None
        self._channels = output.channels
        self._frames = FrameCutter(BLOCK_SAMPLES)
        self._held = 0
        self._writer = SndfileWriter(
            "OGG", "VORBIS", output.sample_rate_hz, output.channels, 1 - output.vbr_quality, output.tags
        )

    @property
    def held_samples(self) -> int:
        return self._held

    @property
    def wanted_samples(self) -> int:
        return self._frames.wanted

    def start(self) -> bytes:
        return b""  # libsndfile writes the three header packets with the first samples

    def encode(self, samples: Samples) -> bytes:
        self._held += len(samples)
        data = b"".join(self._write(frame) for frame in self._frames.cut(samples))
        if data:
            self._held = len(self._frames)
        return data

    def flush(self) -> bytes:
        return b""  # libsndfile has no way to ask libogg for a page that is not full

    def finish(self) -> Finish:
        rest = self._frames.rest()
        data = b"" if rest is None else self._write(rest)
        return Finish(trailer=data + self._writer.finish()[1])

    def close(self) -> None:
        self._writer.close()

    def _write(self, samples: Samples) -> bytes:
        return self._writer.write(samples[:, VORBIS_ORDER[self._channels]] if self._channels > 2 else samples)
