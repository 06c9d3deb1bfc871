"""G.711 µ-law and A-law: one byte per sample. ITU-T G.711 (1988)."""

from typing import ClassVar

from ..audio.layouts import LAYOUTS
from ..audio.sample_types import ALAW, MULAW, S16LE, Samples, SampleType, compress
from ..options import OutputOptions
from .base import CodecSpec, Packet
from .pcm import RATES


def _spec(name: str, codes: SampleType) -> CodecSpec:
    return CodecSpec(
        name=name,
        sample_types=(S16LE, codes),
        sample_rates=RATES,
        channels=tuple(LAYOUTS),
        lookahead_samples=0,
        encode_ms_per_second=0.3,
    )


class _G711Codec:
    """Looks up each sample in a table. Codes of its own law pass as they are. The two laws differ only in the table."""

    codes: ClassVar[SampleType]
    delay_samples = 0
    frame_samples = 0
    header = b""
    wanted_samples = 1

    def __init__(self, output: OutputOptions) -> None:
        self._copies = output.sample_type is self.codes

    def encode(self, samples: Samples) -> list[Packet]:
        codes = samples if self._copies else compress(samples, self.codes)
        return [Packet(codes.tobytes(), len(samples))]

    def finish(self) -> list[Packet]:
        return []

    def silent_packets(self) -> list[Packet]:
        return []

    def close(self) -> None:
        pass


class MulawCodec(_G711Codec):
    """Encodes to µ-law."""

    spec: ClassVar[CodecSpec] = _spec("mulaw", MULAW)
    codes = MULAW


class AlawCodec(_G711Codec):
    """Encodes to A-law."""

    spec: ClassVar[CodecSpec] = _spec("alaw", ALAW)
    codes = ALAW
