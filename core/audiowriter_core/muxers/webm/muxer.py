"""Opus in WebM. RFC 9559.

FFmpeg's muxer is not used, because it also changes bytes after the header, and cannot close a cluster on a flush.
"""

from collections.abc import Sequence
from typing import ClassVar

from ...codecs.base import Codec, Packet
from ...codecs.opus import GRANULE_RATE, OpusCodec
from ...description import Description
from ...options import OutputOptions
from ..base import REPEATABLE_TAGS, TAGS, Finish, MuxerSpec
from ..ogg_opus import PAGE_MS, PAGES_MS
from ..room import Room
from . import elements, metadata


class WebmOpusMuxer:
    """Writes one Cluster every `page_ms`. CodecDelay and DiscardPadding give the exact length."""

    spec: ClassVar[MuxerSpec] = MuxerSpec(
        tags=TAGS,
        repeatable_tags=REPEATABLE_TAGS,
        takes_pictures=True,
        pages_ms=PAGES_MS,
        page_ms=PAGE_MS,
        finalizes_header=True,
        joinable=True,
    )

    def __init__(self, output: OutputOptions, codec: Codec) -> None:
        assert isinstance(codec, OpusCodec)
        self._pre_skip = codec.pre_skip
        self._granules_per_sample = codec.granules_per_sample
        self._head = elements.Head(
            opus_head=codec.header,
            pre_skip=codec.pre_skip,
            channels=output.channels,
            frame_ms=output.opus_frame_ms,
            reserves=output.metadata_bytes > 0,
        )
        self._room = Room(metadata.rendered, output.description, output.metadata_bytes)
        self._frame_ms = output.opus_frame_ms
        self._cluster_packets = int(output.page_ms // output.opus_frame_ms)
        self._pending: list[Packet] = []
        self._cues = elements.Cues()
        self._packets = 0  # in closed clusters
        self._bytes = 0
        self.samples_out = 0

    def start(self) -> bytes:
        return self._count(self._head_data(None))

    def describe(self, description: Description) -> None:
        self._room.replace(description)

    def _head_data(self, totals: elements.Totals | None) -> bytes:
        return self._head.data(metadata.elements(self._room.description), self._room.spare, totals)

    def write(self, packets: Sequence[Packet]) -> bytes:
        clusters = []
        for packet in packets:
            self._pending.append(packet)
            if len(self._pending) == self._cluster_packets:
                clusters.append(self._close_cluster())
        return b"".join(clusters)

    def flush(self) -> bytes:
        return self._close_cluster() if self._pending else b""

    def finish(self, packets: Sequence[Packet], samples: int) -> Finish:
        *rest, last = packets
        clusters = self.write(rest)
        self._pending.append(last)
        coded = self.samples_out + sum(packet.samples for packet in self._pending)
        discarded = (coded - samples) * self._granules_per_sample - self._pre_skip
        clusters += self._close_cluster(discarded)
        cues_position = self._bytes
        cues = self._count(self._cues.data())
        totals = elements.Totals(
            file_bytes=self._bytes,
            cues_position=cues_position,
            duration_ms=1000 * samples * self._granules_per_sample / GRANULE_RATE,
        )
        padding = discarded // self._granules_per_sample
        return Finish(header=self._head_data(totals), trailer=clusters + cues, padding_samples=padding)

    def move(self, start: int, by: int) -> None:
        self._bytes += by
        self._cues.move(start - self._head.segment_start, by)

    def _close_cluster(self, discarded: int = 0) -> bytes:
        timestamp_ms = self._packets * self._frame_ms
        self._cues.add(timestamp_ms, self._bytes - self._head.segment_start)
        data = [packet.data for packet in self._pending]
        cluster = elements.cluster(timestamp_ms, data, self._frame_ms, discarded)
        self._packets += len(self._pending)
        self.samples_out += sum(packet.samples for packet in self._pending)
        self._pending.clear()
        return self._count(cluster)

    def _count(self, data: bytes) -> bytes:
        self._bytes += len(data)
        return data
