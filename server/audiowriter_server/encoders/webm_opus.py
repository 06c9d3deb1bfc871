"""Opus in WebM: libopus through PyAV, in clusters of our own. RFC 6716, RFC 9559.

FFmpeg's muxer would do as well, but corrects the file in more places than its head, and has no way to close a cluster of
audio when a listener waits for it.
"""

from dataclasses import replace
from typing import ClassVar

from ..containers import webm
from ..containers.opus import GRANULE_RATE
from ..options import OutputOptions
from ..samples import Samples
from .base import TAGS, Finish, FormatSpec
from .libopus import FRAME_MS, PACKET_GRANULES, LibopusEncoder
from .ogg_opus import OggOpusEncoder


class WebmOpusEncoder:
    """Variable bitrate around the one asked for; CodecDelay and DiscardPadding cut it to the sample."""

    spec: ClassVar[FormatSpec] = replace(
        OggOpusEncoder.spec,
        name="webm",
        mime_type="audio/webm; codecs=opus",
        file_extension=".webm",
        tags=TAGS,
        integer_tags={},
        finalizes_header=True,
    )

    def __init__(self, output: OutputOptions) -> None:
        self._codec = LibopusEncoder(output)
        self.delay_samples = self._codec.delay_samples
        self._head = webm.Head(
            opus_head=self._codec.id_header,
            pre_skip=self._codec.pre_skip,
            channels=output.channels,
            frame_ms=FRAME_MS,
            tags=output.tags,
        )
        self._cluster_packets = output.page_ms // FRAME_MS
        self._waiting: list[bytes] = []
        self._cues = webm.Cues()
        self._packets = 0  # in clusters that are closed
        self._bytes = 0

    @property
    def held_samples(self) -> int:
        return self._codec.held_samples(self._packets)

    @property
    def wanted_samples(self) -> int:
        return self._codec.wanted_samples

    def start(self) -> bytes:
        return self._count(self._head.data())

    def encode(self, samples: Samples) -> bytes:
        return self._clusters(self._codec.encode(samples))

    def flush(self) -> bytes:
        return self._close_cluster() if self._waiting else b""

    def finish(self) -> Finish:
        *packets, last = self._codec.drain()
        clusters = self._clusters(packets)
        self._waiting.append(last)
        coded = self._packets + len(self._waiting)
        clusters += self._close_cluster(discarded=coded * PACKET_GRANULES - self._codec.end_granule)
        heard = self._codec.end_granule - self._codec.pre_skip
        cues_position = self._bytes
        cues = self._count(self._cues.data())
        totals = webm.Totals(
            file_bytes=self._bytes, cues_position=cues_position, duration_ms=1000 * heard / GRANULE_RATE
        )
        padding = self._codec.padding_samples(coded)
        return Finish(header=self._head.data(totals), trailer=clusters + cues, padding_samples=padding)

    def close(self) -> None:
        self._codec.close()

    def _clusters(self, packets: list[bytes]) -> bytes:
        clusters = []
        for packet in packets:
            self._waiting.append(packet)
            if len(self._waiting) == self._cluster_packets:
                clusters.append(self._close_cluster())
        return b"".join(clusters)

    def _close_cluster(self, discarded: int = 0) -> bytes:
        timestamp_ms = self._packets * FRAME_MS
        self._cues.add(timestamp_ms, self._bytes - self._head.segment_start)
        cluster = webm.cluster(timestamp_ms, self._waiting, FRAME_MS, discarded)
        self._packets += len(self._waiting)
        self._waiting.clear()
        return self._count(cluster)

    def _count(self, data: bytes) -> bytes:
        self._bytes += len(data)
        return data
