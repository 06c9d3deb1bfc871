"""Converts the arrays that callers pass to interleaved little-endian bytes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidArgument, Violation, quoted
from ..options import InputOptions
from .sample_types import S24LE

Pcm = bytes | bytearray | memoryview | NDArray[Any]
"""Interleaved little-endian bytes, cut anywhere, or an array of shape (n, channels), or (n,) for one channel."""

_DTYPE_NAMES = {"<i2": "s16le", "<i4": "s32le", "<f4": "f32le", "<f8": "f64le", "|u1": "u8"}


def sample_format_of(pcm: Pcm) -> str | None:
    """Return the sample format of an array's dtype. None for bytes, and for dtypes without a sample format."""
    return _DTYPE_NAMES.get(pcm.dtype.newbyteorder("<").str) if isinstance(pcm, np.ndarray) else None


def to_bytes(pcm: Pcm, options: InputOptions, channels: int = 0) -> bytes | memoryview:
    """Return `pcm` as flat bytes. Copies it only if its layout requires it. `channels`: of `pcm`; 0: those of the options.

    Samples of s24le are int32 values of 24 bits. Raises InvalidArgument if the dtype or the channel count of an array
    differs from the options, and if a sample exceeds 24 bits. Bytes are not checked, because a write may end inside a
    sample.
    """
    if isinstance(pcm, bytes):
        return pcm
    if not isinstance(pcm, np.ndarray):
        view = memoryview(pcm)
        return view.cast("B") if view.c_contiguous and view.nbytes else view.tobytes()
    kind, channels = options.sample_type, channels or options.channels
    if pcm.dtype.newbyteorder("<") != kind.dtype:
        _refuse(f"dtype {quoted(pcm.dtype)}: sample_format {kind.name.lower()} takes {kind.dtype.name}")
    if pcm.shape[1:] != (channels,) and (pcm.ndim, channels) != (1, 1):
        _refuse(f"shape {quoted(pcm.shape)}: channels={channels} takes (n, {channels})")
    samples: NDArray[Any] = np.ascontiguousarray(pcm, dtype=kind.dtype)
    flat = samples.reshape(-1).view(np.uint8)
    if kind is S24LE:
        if pcm.size and not -(2**23) <= pcm.min() <= pcm.max() < 2**23:
            _refuse("samples exceed 24 bits: s24le takes int32 from -8388608 to 8388607")
        flat = flat.reshape(-1, 4)[:, :3].reshape(-1)
    return flat.data


def owned(data: bytes | memoryview) -> bytes | memoryview:
    """Return `data`, or a copy if the caller may change it. Samples that are gathered outlive the call of `write`."""
    return data if isinstance(data, bytes) or isinstance(data.obj, bytes) else bytes(data)


def _refuse(text: str) -> None:
    raise InvalidArgument([Violation("pcm", "", text)])
