"""Uncompressed PCM. Each call of `encode` returns one packet."""

from typing import ClassVar

from ..audio.layouts import LAYOUTS
from ..audio.sample_types import F32LE, F64LE, S16LE, S24LE, S32LE, U8, Samples, pack
from ..options import OutputOptions
from .base import CodecSpec, Packet

RATES = range(1000, 768_001)


class PcmCodec:
    """Writes interleaved little-endian samples in the file's sample type."""

    spec: ClassVar[CodecSpec] = CodecSpec(
        name="pcm",
        sample_types=(S16LE, S24LE, S32LE, F32LE, F64LE, U8),
        sample_rates=RATES,
        channels=tuple(LAYOUTS),
        lookahead_samples=0,
        encode_ms_per_second=0.3,
        lossless=True,
    )
    delay_samples = 0
    frame_samples = 0
    header = b""
    wanted_samples = 1

    def __init__(self, output: OutputOptions) -> None:
        self._sample_type = output.sample_type

    def encode(self, samples: Samples) -> list[Packet]:
        return [Packet(pack(samples, self._sample_type), len(samples))]

    def finish(self) -> list[Packet]:
        return []

    def silent_packets(self) -> list[Packet]:
        return []

    def close(self) -> None:
        pass
