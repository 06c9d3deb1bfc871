"""Ogg Opus: libopus through PyAV, in pages of our own. RFC 6716, RFC 7845.

FFmpeg's muxer would do as well, but gives no page before it is full; a listener who waits for a sentence should not.
"""

import secrets
from typing import ClassVar

from ..containers import opus
from ..containers.ogg import FIRST, LAST, OggStream
from ..options import OutputOptions
from ..samples import F32LE, Samples
from .base import TAGS, Finish, FormatSpec
from .libopus import FRAME_MS, PACKET_GRANULES, LibopusEncoder


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
        tags=(*TAGS, *opus.GAIN_TAGS),
        integer_tags=opus.GAIN_TAGS,
    )

    def __init__(self, output: OutputOptions) -> None:
        self._codec = LibopusEncoder(output)
        self.delay_samples = self._codec.delay_samples
        # Random, because whoever joins two files must find two serial numbers (RFC 3533, section 4).
        self._stream = OggStream(secrets.randbits(32))
        self._tags = output.tags
        self._page_packets = output.page_ms // FRAME_MS
        self._packets = 0  # in pages that are closed

    @property
    def held_samples(self) -> int:
        return self._codec.held_samples(self._packets)

    @property
    def wanted_samples(self) -> int:
        return self._codec.wanted_samples

    def start(self) -> bytes:
        self._stream.add(self._codec.id_header)
        head = self._stream.page(0, FIRST)
        self._stream.add(opus.comment_header("audiowriter", self._tags))
        return head + self._stream.page(0)

    def encode(self, samples: Samples) -> bytes:
        return b"".join(map(self._page, self._codec.encode(samples)))

    def flush(self) -> bytes:
        return self._close_page() if self._stream.packets else b""

    def finish(self) -> Finish:
        *packets, last = self._codec.drain()
        pages = b"".join(map(self._page, packets))
        if not self._stream.fits(last):
            pages += self._close_page()
        self._stream.add(last)
        coded = self._packets + self._stream.packets
        pages += self._stream.page(self._codec.end_granule, LAST)
        return Finish(trailer=pages, padding_samples=self._codec.padding_samples(coded))

    def close(self) -> None:
        self._codec.close()

    def _page(self, packet: bytes) -> bytes:
        full = b"" if self._stream.fits(packet) else self._close_page()
        self._stream.add(packet)
        return full + self._close_page() if self._stream.packets >= self._page_packets else full

    def _close_page(self) -> bytes:
        self._packets += self._stream.packets
        return self._stream.page(self._packets * PACKET_GRANULES)
