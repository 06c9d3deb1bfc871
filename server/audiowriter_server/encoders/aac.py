"""AAC-LC in ADTS: FFmpeg's encoder through PyAV, behind headers of our own. ISO/IEC 13818-7.

ADTS has no place for delay and padding: a decoder gives both as silence, and `finished` says how much.
"""

from typing import ClassVar

import numpy as np

from ..containers import adts
from ..options import OutputOptions
from ..samples import F32LE, Samples
from .avcodec import AvcodecEncoder
from .base import Finish, FormatSpec

FRAME_SAMPLES = 1024
DELAY_SAMPLES = 1024
"""The first half of the first window."""
FEWEST_SAMPLES = FRAME_SAMPLES + 1
"""Samples per channel that make three frames, the delay included. Shorter streams are padded with silence: FFmpeg recognises
ADTS by three frames in a row, and takes many files of fewer for another format, its own among them."""
MAX_BITS_PER_SAMPLE = 6
"""6144 bits a channel in a frame of 1024 samples (ISO/IEC 13818-7, section 8.2.2)."""
TWO_LOOP_EFFORT = 8
"""From here on FFmpeg's search over scale factors, six times slower; below, its fast coder, which listens as well by ViSQOL
at 64 and 96 kbit/s."""


class AacEncoder:
    """Average bitrate. Not exact to the sample: see the module."""

    spec: ClassVar[FormatSpec] = FormatSpec(
        name="aac",
        mime_type="audio/aac",
        file_extension=".aac",
        sample_types=(F32LE,),
        sample_rates=tuple(sorted(adts.SAMPLE_RATES)),
        channels=(1, 2, 3, 5, 6),  # ADTS has four, too, but as front and back centre, not as WAVE's quad
        lookahead_samples=3 * FRAME_SAMPLES,
        encode_ms_per_second=9,
        bitrates=lambda rate, channels: range(8000 * channels, MAX_BITS_PER_SAMPLE * rate * channels + 1),
        bitrate_bounds=(8000, MAX_BITS_PER_SAMPLE * 96_000 * 6),
        bitrate_per_channel=64_000,
        effort=5,
        sample_exact=False,
    )
    delay_samples = DELAY_SAMPLES

    def __init__(self, output: OutputOptions) -> None:
        assert output.bitrate_bps is not None
        assert output.effort is not None
        self._rate, self._channels = output.sample_rate_hz, output.channels
        coder = "twoloop" if output.effort >= TWO_LOOP_EFFORT else "fast"
        # Left alone, FFmpeg's encoder takes 6 to 27 % more than it was asked for on speech. It looks at the bitrate before
        # each frame.
        self._codec = AvcodecEncoder(
            "aac", self._rate, self._channels, output.bitrate_bps, {"aac_coder": coder}, holds_bitrate=False
        )
        self._samples = 0
        self._packets = 0

    @property
    def held_samples(self) -> int:
        return self._samples - max(0, self._packets * FRAME_SAMPLES - DELAY_SAMPLES)

    @property
    def wanted_samples(self) -> int:
        return self._codec.wanted_samples

    def start(self) -> bytes:
        return b""

    def encode(self, samples: Samples) -> bytes:
        self._samples += len(samples)
        return self._frames(self._codec.encode(samples))

    def flush(self) -> bytes:
        return b""  # the codec holds one frame to overlap it with the next

    def finish(self) -> Finish:
        missing = max(0, FEWEST_SAMPLES - self._samples)
        packets = self._codec.encode(np.zeros((missing, self._channels), np.float32))
        trailer = self._frames(packets + self._codec.drain())
        return Finish(trailer=trailer, padding_samples=self._packets * FRAME_SAMPLES - DELAY_SAMPLES - self._samples)

    def close(self) -> None:
        self._codec.close()

    def _frames(self, packets: list[bytes]) -> bytes:
        self._packets += len(packets)
        return b"".join(adts.frame(packet, self._rate, self._channels) for packet in packets)
