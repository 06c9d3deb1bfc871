"""Makes AAC and Opus of this process come out as on another kind of CPU. As a program: a server on such a CPU.

Their encoders calculate with floats, and other instructions round differently. Here all samples are scaled by a millionth,
which changes the same last bits.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from audiowriter_core.audio.sample_types import Samples
from audiowriter_core.codecs.aac import AacCodec
from audiowriter_core.codecs.base import Packet
from audiowriter_core.codecs.opus import OpusCodec

PROGRAM = ("-P", __file__)
"""The arguments of Python."""

_SCALE = np.float32(1 + 1e-6)


@contextmanager
def other_cpu() -> Iterator[None]:
    """Encode AAC and Opus to other packets of the same audio, most of them of another size."""
    opus, aac = OpusCodec.encode, AacCodec.encode

    def encode_opus(self: OpusCodec, samples: Samples) -> list[Packet]:
        return opus(self, samples * _SCALE)

    def encode_aac(self: AacCodec, samples: Samples) -> list[Packet]:
        return aac(self, samples * _SCALE)

    OpusCodec.encode, AacCodec.encode = encode_opus, encode_aac  # type: ignore[method-assign]
    try:
        yield
    finally:
        OpusCodec.encode, AacCodec.encode = opus, aac  # type: ignore[method-assign]


if __name__ == "__main__":
    from audiowriter_server.__main__ import main

    with other_cpu():
        sys.exit(main())
