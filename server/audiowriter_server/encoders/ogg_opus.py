"""Ogg Opus: libopus through PyAV, in pages of our own. RFC 6716, RFC 7845.

FFmpeg's muxer would do as well, but gives no page before it is full; a listener who waits for a sentence should not.
"""

import secrets
from typing import ClassVar

import numpy as np

from ..containers import opus
from ..containers.ogg import FIRST, LAST, OggStream
from ..options import OutputOptions
from ..samples import F32LE, Samples
from .avcodec import AvcodecEncoder
from .base import TAGS, Finish, FormatSpec

FRAME_MS = 20
PACKET_GRANULES = opus.GRANULE_RATE * FRAME_MS // 1000


class OggOpusEncoder:
    """Variable bitrate around the one asked for; pre-skip and the last granule position cut it to the sample."""

    spec: ClassVar[FormatSpec] = FormatSpec(
        name="opus",
        mime_type="audio/ogg; codecs=opus",
        file_extension=".opus",
        sample_types=(F32LE,),
        sample_rates=(8000, 12000, 16000, 24000, 48000),
        takes_next_rate=True,
        channels=tuple(range(1, 9)),
        lookahead_samples=2880,
        encode_ms_per_second=10,
        bitrates=lambda rate, channels: range(6000 * channels, 256_000 * channels + 1),
        bitrate_bounds=(6000, 256_000 * 8),
        bitrate_per_channel=48_000,
        effort=10,
        pages_ms=range(FRAME_MS, 2001, FRAME_MS),
        page_ms=100,
        tags=TAGS,
    )

    def __init__(self, output: OutputOptions) -> None:
        assert output.bitrate_bps is not None
        self._output = output
        self._per_sample = opus.GRANULE_RATE // output.sample_rate_hz
        self._codec = AvcodecEncoder(
            "libopus",
            output.sample_rate_hz,
            output.channels,
            output.bitrate_bps,
            {
                "compression_level": str(output.effort),
                "frame_duration": str(FRAME_MS),
                # Not left to FFmpeg: its own choice beyond stereo puts the channels of 5.0 and 6.1 in the wrong places.
                "mapping_family": "1" if output.channels > 2 else "0",
            },
        )
        self._pre_skip = opus.pre_skip(self._codec.codec_header)
        self.delay_samples = self._pre_skip // self._per_sample
        # Random, because whoever joins two files must find two serial numbers (RFC 3533, section 4).
        self._stream = OggStream(secrets.randbits(32))
        self._page_packets = output.page_ms // FRAME_MS
        self._samples = 0
        self._granule = 0

    @property
    def held_samples(self) -> int:
        return self._samples - max(0, self._granule - self._pre_skip) // self._per_sample

    def start(self) -> bytes:
        self._stream.add(opus.id_header(self._codec.codec_header, self._output.sample_rate_hz))
        head = self._stream.page(0, FIRST)
        self._stream.add(opus.comment_header("audiowriter", self._output.tags))
        return head + self._stream.page(0)

    def encode(self, samples: Samples) -> bytes:
        self._samples += len(samples)
        return b"".join(self._page(packet) for packet in self._codec.encode(samples))

    def flush(self) -> bytes:
        return self._close_page() if self._stream.packets else b""

    def finish(self) -> Finish:
        if self._samples:
            packets = self._codec.drain()
        else:  # a file needs a packet; the granule position says that nothing of it is to be heard
            packets = self._codec.encode(np.zeros((self._codec.frame_samples, self._output.channels), np.float32))
        pages = b"".join(self._page(packet) for packet in packets[:-1])
        self._stream.add(packets[-1])
        coded = self._granule + self._stream.packets * PACKET_GRANULES
        end = self._pre_skip + self._samples * self._per_sample
        pages += self._stream.page(end, LAST)
        return Finish(trailer=pages, padding_samples=(coded - end) // self._per_sample)

    def close(self) -> None:
        self._codec.close()

    def _page(self, packet: bytes) -> bytes:
        full = b"" if self._stream.fits(packet) else self._close_page()
        self._stream.add(packet)
        return full + self._close_page() if self._stream.packets >= self._page_packets else full

    def _close_page(self) -> bytes:
        self._granule += self._stream.packets * PACKET_GRANULES
        return self._stream.page(self._granule)
