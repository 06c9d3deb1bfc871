"""FLAC frames as packets: FFmpeg's encoder through PyAV. RFC 9639, section 9.

libsndfile is not used here, because it writes FLAC in FLAC's own container only.
"""

from typing import ClassVar

from ..audio.layouts import LAYOUTS
from ..audio.sample_types import S16LE, S24LE, Samples
from ..options import OutputOptions
from .avcodec import AvcodecEncoder
from .base import CodecSpec, Packet
from .flac import BLOCK_SAMPLES, RATES

_SAMPLE_FORMATS = {S16LE: "s16", S24LE: "s32"}
_FRAME_SIZES = slice(4, 10)
"""Bytes of STREAMINFO with the minimum and maximum frame size."""


class FlacCodec:
    """Encodes to FLAC frames. Decoders return exactly the same samples.

    `header` is STREAMINFO (RFC 9639, section 8.2). Total samples, frame sizes and MD5 are 0 (unknown) until `finish`.
    """

    spec: ClassVar[CodecSpec] = CodecSpec(
        name="flac",
        sample_types=tuple(_SAMPLE_FORMATS),
        sample_rates=RATES,
        channels=tuple(LAYOUTS),
        lookahead_samples=BLOCK_SAMPLES,
        encode_ms_per_second=(1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 2, 2, 2.5, 2.5),
        effort=5,
        lossless=True,
        memory_bytes=8 * 1024 * 1024,  # FFmpeg has tables for 8 channels and blocks of 65,535 samples, whatever is used
    )
    delay_samples = 0
    frame_samples = BLOCK_SAMPLES

    def __init__(self, output: OutputOptions) -> None:
        options = {
            # Its levels 11 and 12 are outside the streamable subset (RFC 9639, section 7).
            "compression_level": str(output.effort),
            "frame_size": str(BLOCK_SAMPLES),
            "bits_per_raw_sample": str(output.sample_type.bits),
        }
        self._codec = AvcodecEncoder(
            "flac",
            output.sample_rate_hz,
            output.channels,
            0,
            options,
            sample_format=_SAMPLE_FORMATS[output.sample_type],
            holds_last_frame=True,
        )
        self.header = _without_frame_sizes(self._codec.codec_header)
        self._waiting_samples = 0

    @property
    def wanted_samples(self) -> int:
        return self._codec.wanted_samples

    def encode(self, samples: Samples) -> list[Packet]:
        packets = self._codec.encode(samples)
        self._waiting_samples += len(samples) - BLOCK_SAMPLES * len(packets)
        return [Packet(data, BLOCK_SAMPLES) for data in packets]

    def finish(self) -> list[Packet]:
        # FFmpeg's last packet is empty: it only brings the final STREAMINFO.
        packets = [Packet(data, self._waiting_samples) for data in self._codec.drain() if data]
        self.header = self._codec.codec_header
        return packets

    def silent_packets(self) -> list[Packet]:
        packets = self.finish()
        self.header = _without_frame_sizes(self.header)
        return packets

    def close(self) -> None:
        self._codec.close()


def _without_frame_sizes(streaminfo: bytes) -> bytes:
    """Return STREAMINFO with unknown frame sizes. FFmpeg stores estimates in it before the first frame."""
    unknown = bytearray(streaminfo)
    unknown[_FRAME_SIZES] = bytes(6)
    return bytes(unknown)
