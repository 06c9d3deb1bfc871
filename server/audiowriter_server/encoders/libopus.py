"""libopus through PyAV: packets of 20 ms, and how much of them is to be heard. RFC 6716; RFC 7845, section 4."""

import numpy as np

from ..containers import opus
from ..options import OutputOptions
from ..samples import Samples
from .avcodec import AvcodecEncoder

FRAME_MS = 20
PACKET_GRANULES = opus.GRANULE_RATE * FRAME_MS // 1000
"""Samples at 48 kHz in a packet, whatever the rate of the input."""


class LibopusEncoder:
    """What every container of Opus needs: packets, and the numbers that cut them to the sample."""

    def __init__(self, output: OutputOptions) -> None:
        assert output.bitrate_bps is not None
        self._channels = output.channels
        self._granules_per_sample = opus.GRANULE_RATE // output.sample_rate_hz
        self._samples = 0
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
        self.id_header = opus.id_header(self._codec.codec_header, output.sample_rate_hz)
        self.pre_skip = opus.pre_skip(self.id_header)
        self.delay_samples = self.pre_skip // self._granules_per_sample

    @property
    def end_granule(self) -> int:
        """Where the audio taken in ends, pre-skip included."""
        return self.pre_skip + self._samples * self._granules_per_sample

    def held_samples(self, packets_out: int) -> int:
        """Samples a channel taken in that are not in the first `packets_out` packets."""
        return self._samples - max(0, packets_out * PACKET_GRANULES - self.pre_skip) // self._granules_per_sample

    @property
    def wanted_samples(self) -> int:
        """Samples a channel until the next packet."""
        return self._codec.wanted_samples

    def padding_samples(self, packets: int) -> int:
        """Samples a channel behind the end, in the last of all packets."""
        return (packets * PACKET_GRANULES - self.end_granule) // self._granules_per_sample

    def encode(self, samples: Samples) -> list[bytes]:
        """Give the packets that are ready."""
        self._samples += len(samples)
        return self._codec.encode(samples)

    def drain(self) -> list[bytes]:
        """Give the packets that are left: one at the least, for a file without audio needs one, too."""
        if self._samples:
            return self._codec.drain()
        return self._codec.encode(np.zeros((self._codec.frame_samples, self._channels), np.float32))

    def close(self) -> None:
        """Free the encoder."""
        self._codec.close()
