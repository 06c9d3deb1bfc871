"""The tables of G.711 µ-law and A-law. ITU-T G.711 (1988). libsndfile computes them.

A law is "ULAW" or "ALAW". A code is one byte and stands for a sample of S16LE. µ-law has two codes of 0, and A-law none.
"""

from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray


@cache
def compression_table(law: str) -> NDArray[np.uint8]:
    """Return the codes of all 16-bit samples, indexed by the sample as a uint16."""
    file = BytesIO()
    every_sample = np.arange(2**16, dtype=np.uint16).view(np.int16)
    soundfile.write(file, every_sample, 8000, format="RAW", subtype=law)
    return np.frombuffer(file.getvalue(), np.uint8)


@cache
def expansion_table(law: str) -> NDArray[np.int16]:
    """Return the 16-bit samples of all codes, indexed by the code."""
    every_code = BytesIO(bytes(range(256)))
    samples: NDArray[Any] = soundfile.read(
        every_code, dtype="int16", samplerate=8000, channels=1, format="RAW", subtype=law
    )[0]
    return samples
