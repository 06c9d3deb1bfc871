"""Opus in WebM: libopus through PyAV, in clusters of our own. RFC 6716, RFC 9559.

FFmpeg's muxer would do as well, but corrects the file in more places than its head, and has no way to close a cluster of
audio when a listener waits for it.
"""

from dataclasses import replace
from typing import ClassVar

import numpy as np

from ..containers import opus, webm
from ..options import OutputOptions
from ..samples import Samples
from .avcodec import AvcodecEncoder
from .base import Finish, FormatSpec
from .ogg_opus import FRAME_MS, PACKET_GRANULES, OggOpusEncoder


class WebmOpusEncoder:
    """Variable bitrate around the one asked for; CodecDelay and DiscardPadding cut it to the sample."""

    spec: ClassVar[FormatSpec] = replace(
        OggOpusEncoder.spec,
        name="webm",
        mime_type="audio/webm; codecs=opus",
        file_extension=".webm",
        finalizes_header=True,
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
        self._head = webm.Head(
            opus_head=opus.id_header(self._codec.codec_header, output.sample_rate_hz),
            pre_skip=self._pre_skip,
            channels=output.channels,
            frame_ms=FRAME_MS,
            tags=output.tags,
        )
        self._cluster_packets = output.page_ms // FRAME_MS
        self._waiting: list[bytes] = []
        self._cues = webm.Cues()
        self._samples = 0
        self._packets = 0
        self._bytes = 0

    @property
    def held_samples(self) -> int:
        return self._samples - max(0, self._packets * PACKET_GRANULES - self._pre_skip) // self._per_sample

    def start(self) -> bytes:
        return self._count(self._head.data())

    def encode(self, samples: Samples) -> bytes:
        self._samples += len(samples)
        return self._clusters(self._codec.encode(samples))

    def flush(self) -> bytes:
        return self._close_cluster() if self._waiting else b""

    def finish(self) -> Finish:
        if self._samples:
            packets = self._codec.drain()
        else:  # a file needs a packet; DiscardPadding says that nothing of it is to be heard
            packets = self._codec.encode(np.zeros((self._codec.frame_samples, self._output.channels), np.float32))
        clusters = self._clusters(packets[:-1])
        self._waiting.append(packets[-1])
        coded = (self._packets + len(self._waiting)) * PACKET_GRANULES
        over = coded - self._pre_skip - self._samples * self._per_sample
        clusters += self._close_cluster(over)
        cues_position = self._bytes
        cues = self._count(self._cues.data())
        totals = webm.Totals(
            file_bytes=self._bytes,
            cues_position=cues_position,
            duration_ms=1000 * self._samples / self._output.sample_rate_hz,
        )
        return Finish(header=self._head.data(totals), trailer=clusters + cues, padding_samples=over // self._per_sample)

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
