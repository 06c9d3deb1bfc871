"""WAV: the samples behind a RIFF header that is made true at the end."""

from typing import ClassVar

from ..channels import LAYOUTS
from ..containers import wav
from ..options import OutputOptions
from ..samples import F32LE, F64LE, S16LE, S24LE, S32LE, U8, Samples, pack
from .base import Finish, FormatSpec


class WavEncoder:
    """PCM and IEEE float in RIFF/WAVE; RF64 beyond 4 GiB."""

    spec: ClassVar[FormatSpec] = FormatSpec(
        name="wav",
        mime_type="audio/wav",
        file_extension=".wav",
        sample_types=(S16LE, S24LE, S32LE, F32LE, F64LE, U8),
        sample_rates=range(1000, 768_001),
        channels=tuple(LAYOUTS),
        lookahead_samples=0,
        encode_ms_per_second=0.3,
        tags=wav.TAGS,
        finalizes_header=True,
        lossless=True,
    )
    delay_samples = 0
    held_samples = 0  # each sample goes out at once
    wanted_samples = 1

    def __init__(
        self, output: OutputOptions, *, format_tag: int | None = None, bits: int = 0, silence: bytes = b""
    ) -> None:
        """Compressed samples need `format_tag`, `bits` per sample and the code of `silence`.

        Without them the file holds samples of the output's sample type.
        """
        self._output = output
        kind = output.sample_type
        self._format_tag = format_tag or (wav.IEEE_FLOAT if kind.is_float else wav.PCM)
        self._bits = bits or kind.bits
        self._pad = silence or (b"\x80" if kind is U8 else b"\0")
        self._data_bytes = 0

    def start(self) -> bytes:
        return self._header(None)

    def encode(self, samples: Samples) -> bytes:
        return self._count(pack(samples, self._output.sample_type))

    def flush(self) -> bytes:
        return b""

    def finish(self) -> Finish:
        frames = self._data_bytes // (self._bits // 8 * self._output.channels)
        return Finish(header=self._header(frames), trailer=wav.pad(self._data_bytes, self._pad))

    def close(self) -> None:
        pass

    def _count(self, data: bytes) -> bytes:
        self._data_bytes += len(data)
        return data

    def _header(self, frames: int | None) -> bytes:
        return wav.header(
            format_tag=self._format_tag,
            bits=self._bits,
            sample_rate=self._output.sample_rate_hz,
            channels=self._output.channels,
            tags=self._output.tags,
            frames=frames,
        )
