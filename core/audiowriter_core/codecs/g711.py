"""G.711 µ-law and A-law: one byte per sample. ITU-T G.711 (1988)."""

from functools import cache
from io import BytesIO
from typing import ClassVar

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..audio.layouts import LAYOUTS
from ..audio.sample_types import S16LE, Samples
from ..options import OutputOptions
from .base import CodecSpec, Packet
from .pcm import RATES


@cache
def compression_table(law: str) -> NDArray[np.uint8]:
    """Return the codes of all 16-bit samples, indexed by the sample as a uint16. `law`: "ULAW" or "ALAW".

    libsndfile computes the codes.
    """
    file = BytesIO()
    every_sample = np.arange(2**16, dtype=np.uint16).view(np.int16)
    soundfile.write(file, every_sample, 8000, format="RAW", subtype=law)
    return np.frombuffer(file.getvalue(), np.uint8)


def _spec(name: str) -> CodecSpec:
    return CodecSpec(
        name=name,
        sample_types=(S16LE,),
        sample_rates=RATES,
        channels=tuple(LAYOUTS),
        lookahead_samples=0,
        encode_ms_per_second=0.3,
    )


class _G711Codec:
    """Looks up each sample in a table. The two laws differ only in the table."""

    law: ClassVar[str]
    delay_samples = 0
    frame_samples = 0
    header = b""
    wanted_samples = 1

    def __init__(self, output: OutputOptions) -> None:
        self._table = compression_table(self.law)

    def encode(self, samples: Samples) -> list[Packet]:
        return [Packet(self._table[samples.view(np.uint16)].tobytes(), len(samples))]

    def finish(self) -> list[Packet]:
        return []

    def silent_packets(self) -> list[Packet]:
        return []

    def close(self) -> None:
        pass


class MulawCodec(_G711Codec):
    """Encodes to µ-law."""

    spec: ClassVar[CodecSpec] = _spec("mulaw")
    law = "ULAW"


class AlawCodec(_G711Codec):
    """Encodes to A-law."""

    spec: ClassVar[CodecSpec] = _spec("alaw")
    law = "ALAW"
