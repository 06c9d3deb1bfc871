"""Sample types: the layout of PCM in bytes and in numpy arrays, and the conversions between them.

In this package, samples are arrays of shape (frames, channels). Integers are left-aligned in their dtype: S24LE is an int32
whose low byte is 0. Full scale is therefore always the full range of the dtype. Arrays of G.711 have its codes, so that
a copy keeps both zeros of µ-law. `expand` them first: the other conversions take linear samples.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .g711 import compression_table, expansion_table

Samples = NDArray[Any]
"""An array of shape (frames, channels) with the dtype of the SampleType."""


@dataclass(frozen=True, eq=False)
class SampleType:
    """A sample type. The constants below are the only instances, so compare with `is`."""

    name: str
    width: int
    """Bytes per sample in PCM bytes."""
    bits: int
    """Significant bits per sample. G.711: those of its samples as S16LE."""
    dtype: np.dtype[Any]
    """dtype of arrays with such samples."""

    @cached_property
    def is_float(self) -> bool:
        return self.dtype.kind == "f"

    @cached_property
    def full_scale(self) -> float:
        """The value in an array that stands for 1.0. In U8 it is added to 128. G.711 has none: `expand` its codes first."""
        return 1.0 if self.is_float else float(2 ** (8 * self.dtype.itemsize - 1))


S16LE = SampleType("S16LE", 2, 16, np.dtype("<i2"))
S24LE = SampleType("S24LE", 3, 24, np.dtype("<i4"))
S32LE = SampleType("S32LE", 4, 32, np.dtype("<i4"))
F32LE = SampleType("F32LE", 4, 32, np.dtype("<f4"))
F64LE = SampleType("F64LE", 8, 64, np.dtype("<f8"))
U8 = SampleType("U8", 1, 8, np.dtype("u1"))
MULAW = SampleType("MULAW", 1, 16, np.dtype("u1"))
ALAW = SampleType("ALAW", 1, 16, np.dtype("u1"))

SAMPLE_TYPES: dict[str, SampleType] = {
    kind.name.lower(): kind for kind in (S16LE, S24LE, S32LE, F32LE, F64LE, U8, MULAW, ALAW)
}
"""By name in lower case, such as "s16le"."""

G711 = {MULAW: "ULAW", ALAW: "ALAW"}
"""The law of each sample type of G.711."""

MAX_FLOAT = 1e30
"""Limit of floats in calculations. Sums of larger ones overflow to infinity, also in a resampler's FFT."""

_WIDE = (S32LE, F64LE)
"""Types with more bits than the mantissa of a float32."""


def unpack(data: bytes | memoryview, kind: SampleType, channels: int) -> Samples:
    """Convert bytes, which must be whole frames, to samples."""
    if kind is S24LE:
        # int32 values at every third byte. Each begins with the last byte of the one before. Copying three bytes per sample
        # takes nine times as long.
        overlapping: Samples = np.ndarray((len(data) // 3,), "<i4", b"\0" + data, strides=(3,))
        return (overlapping & -256).reshape(-1, channels)
    return np.frombuffer(data, kind.dtype).reshape(-1, channels)


def pack(samples: Samples, kind: SampleType) -> bytes:
    """Convert samples to interleaved bytes."""
    if kind is S24LE:
        wide = np.ascontiguousarray(samples, "<i4").view(np.uint8).reshape(-1, 4)
        narrow = np.empty((len(wide), 3), np.uint8)
        for byte in range(3):  # five times as fast as one assignment
            narrow[:, byte] = wide[:, byte + 1]
        return narrow.tobytes()
    return samples.tobytes()


def expand(codes: Samples, kind: SampleType) -> Samples:
    """Convert codes of G.711 to S16LE."""
    return expansion_table(G711[kind]).take(codes)  # twice as fast as an index


def compress(samples: Samples, kind: SampleType) -> Samples:
    """Convert S16LE to codes of G.711."""
    return compression_table(G711[kind]).take(samples.view(np.uint16))


def to_float(samples: Samples, kind: SampleType, dtype: np.dtype[Any]) -> Samples:
    """Convert samples to floats with a full scale of ±1."""
    if kind.is_float:
        return _as_float(samples, dtype)
    if kind is U8:
        return (samples.astype(dtype) - 128) / 128
    floats: Samples = np.multiply(samples, dtype.type(1 / kind.full_scale), dtype=dtype)
    return floats


def from_float(samples: Samples, kind: SampleType) -> Samples:
    """Convert floats with a full scale of ±1 to samples of `kind`. Integers are rounded to nearest and clipped."""
    if kind.is_float:
        return _as_float(samples, kind.dtype)
    top = 2.0 ** (kind.bits - 1)
    # float64 for 24 bits and more, because a float32 would round 2**31 - 1 up to 2**31, which overflows.
    whole = np.multiply(samples, top, dtype=samples.dtype if kind.bits <= 16 else np.float64)
    np.rint(whole, out=whole)
    np.clip(whole, -top, top - 1, out=whole)
    if kind is U8:
        return (whole + 128).astype(np.uint8)
    if kind is S24LE:
        return whole.astype(np.int32) << 8
    return whole.astype(kind.dtype)


def _as_float(samples: Samples, dtype: np.dtype[Any]) -> Samples:
    """Convert between floats. A value beyond the range of `dtype` becomes its limit: infinity would silence a resampler."""
    if dtype.itemsize < samples.dtype.itemsize:
        limits = np.finfo(dtype)
        samples = np.clip(samples, limits.min, limits.max)
    return samples.astype(dtype, copy=False)


def convert(samples: Samples, source: SampleType, target: SampleType) -> Samples:
    """Convert samples to another type: without loss if it has enough bits, else rounded to nearest, without dither."""
    if source is target:
        return samples
    if source.is_float or target.is_float:
        wide = np.dtype(np.float64 if source in _WIDE or target in _WIDE else np.float32)
        floats = to_float(samples, source, wide)
        return floats if wide == target.dtype else from_float(floats, target)
    signed = (samples.astype(np.int16) - 128) << 8 if source is U8 else samples
    left = signed if signed.dtype.itemsize == 4 else signed.astype(np.int32) << 16
    if target.bits < source.bits:
        half = 1 << (31 - target.bits)
        left = (np.minimum(left, 2**31 - 1 - half) + half) & -2 * half
    if target is U8:
        return ((left >> 24) + 128).astype(np.uint8)
    return left if target.dtype.itemsize == 4 else (left >> 16).astype(target.dtype)
