"""G.711 µ-law and A-law, raw and in WAV. ITU-T G.711 (1988)."""

from functools import cache
from io import BytesIO
from typing import ClassVar

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..channels import LAYOUTS
from ..containers import wav
from ..options import OutputOptions
from ..samples import S16LE, Samples
from .base import FormatSpec
from .pcm import PcmEncoder
from .wav import WavEncoder


@cache
def compression_table(law: str) -> NDArray[np.uint8]:
    """The code of each 16-bit sample, by its value as an unsigned number. `law`: "ULAW" or "ALAW"; libsndfile knows them."""
    file = BytesIO()
    every_sample = np.arange(2**16, dtype=np.uint16).view(np.int16)
    soundfile.write(file, every_sample, 8000, format="RAW", subtype=law)
    return np.frombuffer(file.getvalue(), np.uint8)


def compress(samples: Samples, law: str) -> bytes:
    """S16LE samples to one byte each."""
    return compression_table(law)[samples.view(np.uint16)].tobytes()


def _silence(law: str) -> bytes:
    return compress(np.zeros(1, np.int16), law)


def _spec(name: str, mime_type: str, file_extension: str, *, in_wav: bool) -> FormatSpec:
    return FormatSpec(
        name=name,
        mime_type=mime_type,
        file_extension=file_extension,
        sample_types=(S16LE,),
        sample_rates=range(1000, 768_001),
        channels=tuple(LAYOUTS),
        lookahead_samples=0,
        encode_ms_per_second=0.3,
        tags=wav.TAGS if in_wav else (),
        finalizes_header=in_wav,
    )


class MulawEncoder(PcmEncoder):
    """µ-law, one byte a sample, nothing else."""

    spec: ClassVar[FormatSpec] = _spec("mulaw", "audio/basic", ".ul", in_wav=False)
    law: ClassVar[str] = "ULAW"

    def encode(self, samples: Samples) -> bytes:
        return compress(samples, self.law)


class AlawEncoder(MulawEncoder):
    """A-law, one byte a sample, nothing else."""

    spec: ClassVar[FormatSpec] = _spec("alaw", "audio/x-alaw-basic", ".al", in_wav=False)
    law: ClassVar[str] = "ALAW"


class WavMulawEncoder(WavEncoder):
    """µ-law in RIFF/WAVE. RFC 2361, appendix A."""

    spec: ClassVar[FormatSpec] = _spec("wav-mulaw", "audio/vnd.wave; codec=7", ".wav", in_wav=True)
    law: ClassVar[str] = "ULAW"

    def __init__(self, output: OutputOptions) -> None:
        super().__init__(output, format_tag=wav.MULAW, bits=8, silence=_silence(self.law))

    def encode(self, samples: Samples) -> bytes:
        return self._count(compress(samples, self.law))


class WavAlawEncoder(WavEncoder):
    """A-law in RIFF/WAVE. RFC 2361, appendix A."""

    spec: ClassVar[FormatSpec] = _spec("wav-alaw", "audio/vnd.wave; codec=6", ".wav", in_wav=True)
    law: ClassVar[str] = "ALAW"

    def __init__(self, output: OutputOptions) -> None:
        super().__init__(output, format_tag=wav.ALAW, bits=8, silence=_silence(self.law))

    def encode(self, samples: Samples) -> bytes:
        return self._count(compress(samples, self.law))
