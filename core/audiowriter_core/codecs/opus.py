"""Opus through PyAV (libopus), one frame per packet. RFC 6716; RFC 7845, section 4."""

from struct import pack_into
from typing import ClassVar

import numpy as np

from ..audio.sample_types import F32LE, Samples
from ..options import OutputOptions
from .avcodec import AvcodecEncoder
from .base import CodecSpec, Packet

FRAMES_MS = (2.5, 5, 10, 20, 40, 60)
"""Allowed durations of a frame. RFC 6716, section 2.1.4."""

GRANULE_RATE = 48_000
"""Pre-skip and granule positions count samples at 48 kHz, whatever the sample rate of the input."""


class OpusCodec:
    """Encodes at a variable bitrate around the requested one. `header` is OpusHead (RFC 7845, section 5.1)."""

    spec: ClassVar[CodecSpec] = CodecSpec(
        name="opus",
        sample_types=(F32LE,),
        sample_rates=(8000, 12000, 16000, 24000, 48000),
        takes_next_rate=True,
        channels=tuple(range(1, 9)),
        lookahead_samples=2880,
        encode_ms_per_second=(4, 4, 4, 4, 4, 4, 10, 10, 10, 10, 10),
        bitrates=lambda rate, channels: range(6000 * channels, 256_000 * channels + 1),
        bitrate_bounds=(6000, 256_000 * 8),
        bitrate_per_channel=48_000,
        effort=10,
        frames_ms=FRAMES_MS,
        joinable=True,  # RFC 7845, section 4.6: decoders converge within 80 ms
    )

    def __init__(self, output: OutputOptions) -> None:
        assert output.bitrate_bps is not None
        self._channels = output.channels
        self._codec = AvcodecEncoder(
            "libopus",
            output.sample_rate_hz,
            output.channels,
            output.bitrate_bps,
            {
                "compression_level": str(output.effort),
                "frame_duration": f"{output.opus_frame_ms:g}",
                # With FFmpeg's default for more than two channels, those of 5.0 and 6.1 are in the wrong order.
                "mapping_family": "1" if output.channels > 2 else "0",
            },
        )
        head = bytearray(self._codec.codec_header)
        pack_into("<I", head, 12, output.sample_rate_hz)
        self.header = bytes(head)
        self.pre_skip = int.from_bytes(head[10:12], "little")
        self.granules_per_sample = GRANULE_RATE // output.sample_rate_hz
        self.delay_samples = self.pre_skip // self.granules_per_sample
        self.frame_samples = int(output.sample_rate_hz * output.opus_frame_ms / 1000)

    @property
    def wanted_samples(self) -> int:
        return self._codec.wanted_samples

    def encode(self, samples: Samples) -> list[Packet]:
        return self._packets(self._codec.encode(samples))

    def finish(self) -> list[Packet]:
        return self._packets(self._codec.drain())

    def silent_packets(self) -> list[Packet]:
        return self.encode(np.zeros((self._codec.frame_samples, self._channels), np.float32))

    def close(self) -> None:
        self._codec.close()

    def _packets(self, packets: list[bytes]) -> list[Packet]:
        return [Packet(data, self.frame_samples) for data in packets]
