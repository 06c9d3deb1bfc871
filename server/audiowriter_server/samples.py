"""Sample formats: how PCM lies in bytes, and how it lies in numpy arrays.

Everywhere in the server samples are arrays of shape (frames, channels). Integers fill their type from the top: S24LE lies
in an int32 whose low byte is 0, so that full scale is always the whole range of the dtype and no shift can be forgotten.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from audiowriter.v1 import audio_writer_pb2 as pb
from numpy.typing import NDArray

Samples = NDArray[Any]
"""Shape (frames, channels); dtype as the SampleType says."""


@dataclass(frozen=True, eq=False)
class SampleType:
    """One sample format of the contract; those below are all that there are, and compared by identity."""

    name: str
    width: int
    """Bytes a sample in a byte stream."""
    bits: int
    """Significant bits a sample."""
    dtype: np.dtype[Any]
    """Of the array that holds such samples."""

    @cached_property
    def is_float(self) -> bool:
        return self.dtype.kind == "f"

    @cached_property
    def full_scale(self) -> float:
        """The value of 1.0 in arrays of this type."""
        return 1.0 if self.is_float else float(2 ** (8 * self.dtype.itemsize - 1))


S16LE = SampleType("S16LE", 2, 16, np.dtype("<i2"))
S24LE = SampleType("S24LE", 3, 24, np.dtype("<i4"))
S32LE = SampleType("S32LE", 4, 32, np.dtype("<i4"))
F32LE = SampleType("F32LE", 4, 32, np.dtype("<f4"))
F64LE = SampleType("F64LE", 8, 64, np.dtype("<f8"))
U8 = SampleType("U8", 1, 8, np.dtype("u1"))

SAMPLE_TYPES: dict[int, SampleType] = {
    pb.SAMPLE_FORMAT_S16LE: S16LE,
    pb.SAMPLE_FORMAT_S24LE: S24LE,
    pb.SAMPLE_FORMAT_S32LE: S32LE,
    pb.SAMPLE_FORMAT_F32LE: F32LE,
    pb.SAMPLE_FORMAT_F64LE: F64LE,
    pb.SAMPLE_FORMAT_U8: U8,
}
"""By the value of the proto's SampleFormat."""

_WIDE = (S32LE, F64LE)
"""More bits than a float32 holds."""


def unpack(data: bytes | memoryview, kind: SampleType, channels: int) -> Samples:
    """Bytes of whole frames to samples."""
    if kind is S24LE:
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        return wide.view("<i4").reshape(-1, channels)
    return np.frombuffer(data, kind.dtype).reshape(-1, channels)


def pack(samples: Samples, kind: SampleType) -> bytes:
    """Samples to bytes."""
    if kind is S24LE:
        wide = np.ascontiguousarray(samples, "<i4").view(np.uint8).reshape(-1, 4)
        return wide[:, 1:].tobytes()
    return samples.tobytes()


def to_float(samples: Samples, kind: SampleType, dtype: np.dtype[Any]) -> Samples:
    """Samples to floats with full scale at ±1."""
    if kind.is_float:
        return samples.astype(dtype, copy=False)
    if kind is U8:
        return (samples.astype(dtype) - 128) / 128
    floats: Samples = np.multiply(samples, dtype.type(1 / kind.full_scale), dtype=dtype)
    return floats


def from_float(samples: Samples, kind: SampleType) -> Samples:
    """Floats with full scale at ±1 to samples, rounded to nearest and clipped to the range of `kind`."""
    if kind.is_float:
        return samples.astype(kind.dtype, copy=False)
    top = 2.0 ** (kind.bits - 1)
    # A float32 can't hold 2**31 - 1, and what it rounds to overflows: 24 bits and more go through float64.
    scaled = samples * top if kind.bits <= 16 else samples.astype(np.float64) * top
    whole = np.clip(np.rint(scaled), -top, top - 1)
    if kind is U8:
        return (whole + 128).astype(np.uint8)
    if kind is S24LE:
        return whole.astype(np.int32) << 8
    return whole.astype(kind.dtype)


def convert(samples: Samples, source: SampleType, target: SampleType) -> Samples:
    """Samples of one type to another: exact where the target holds the source, else rounded to nearest, no dither."""
    if source is target:
        return samples
    if source.is_float or target.is_float:
        wide = np.dtype(np.float64 if source in _WIDE or target in _WIDE else np.float32)
        return from_float(to_float(samples, source, wide), target)
    signed = (samples.astype(np.int16) - 128) << 8 if source is U8 else samples
    shift = 8 * (4 - signed.dtype.itemsize)
    left = signed.astype(np.int64) << shift
    if target.bits < source.bits:
        drop = 32 - target.bits
        left = np.minimum((left + (1 << (drop - 1))) >> drop << drop, (2**31) - (1 << drop))
    if target is U8:
        return ((left >> 24) + 128).astype(np.uint8)
    return (left >> (32 - 8 * target.dtype.itemsize)).astype(target.dtype)
