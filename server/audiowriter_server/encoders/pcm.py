"""Raw PCM: the samples in the sample format that was asked for, and nothing else."""

from typing import ClassVar

from ..channels import LAYOUTS
from ..options import OutputOptions
from ..samples import F32LE, F64LE, S16LE, S24LE, S32LE, U8, Samples, pack
from .base import Finish, FormatSpec


class PcmEncoder:
    """Interleaved little-endian samples without a header."""

    spec: ClassVar[FormatSpec] = FormatSpec(
        name="pcm",
        mime_type="audio/pcm",
        file_extension=".pcm",
        sample_types=(S16LE, S24LE, S32LE, F32LE, F64LE, U8),
        sample_rates=range(1000, 768_001),
        channels=tuple(LAYOUTS),
        lookahead_samples=0,
        encode_ms_per_second=0.3,
        lossless=True,
    )
    delay_samples = 0
    held_samples = 0  # each sample goes out at once
    wanted_samples = 1

    def __init__(self, output: OutputOptions) -> None:
        self._sample_type = output.sample_type

    def start(self) -> bytes:
        return b""

    def encode(self, samples: Samples) -> bytes:
        return pack(samples, self._sample_type)

    def flush(self) -> bytes:
        return b""

    def finish(self) -> Finish:
        return Finish()

    def close(self) -> None:
        pass
