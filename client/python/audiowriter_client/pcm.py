"""Converts PCM to little-endian bytes in the configured sample format."""

from collections.abc import Mapping
from operator import index
from typing import Any, SupportsIndex

import numpy as np
from audiowriter.v1.audio_writer_pb2 import PcmInput, SampleFormat
from numpy.typing import NDArray

from audiowriter_client.errors import quoted

Pcm = bytes | bytearray | memoryview | NDArray[Any]
"""Interleaved little-endian bytes, cut anywhere, or an array of shape (n,) for one channel or (n, channels)."""

# numpy has no 24-bit type: such samples are passed in the low bits of an int32.
_DTYPES: Mapping[SampleFormat, np.dtype[Any]] = {
    SampleFormat.SAMPLE_FORMAT_S16LE: np.dtype("<i2"),
    SampleFormat.SAMPLE_FORMAT_S24LE: np.dtype("<i4"),
    SampleFormat.SAMPLE_FORMAT_S32LE: np.dtype("<i4"),
    SampleFormat.SAMPLE_FORMAT_F32LE: np.dtype("<f4"),
    SampleFormat.SAMPLE_FORMAT_F64LE: np.dtype("<f8"),
    SampleFormat.SAMPLE_FORMAT_U8: np.dtype("u1"),
    SampleFormat.SAMPLE_FORMAT_MULAW: np.dtype("u1"),
    SampleFormat.SAMPLE_FORMAT_ALAW: np.dtype("u1"),
}


class PcmLayout:
    """Sample format and number of channels of a stream's PCM."""

    def __init__(self, pcm_input: PcmInput) -> None:
        # The defaults of the proto. For a sample format that this client does not know, only bytes are accepted.
        self._sample_format = pcm_input.sample_format or SampleFormat.SAMPLE_FORMAT_S16LE
        self._channels = pcm_input.channels or 1
        options = pcm_input.max_gap, pcm_input.max_skew, pcm_input.max_jitter
        self._takes_positions = any(option.ToNanoseconds() for option in options)

    @property
    def frame_bytes(self) -> int:
        """Bytes per frame, which is one sample of every channel. One per channel if the sample format is not known."""
        if self._sample_format == SampleFormat.SAMPLE_FORMAT_S24LE:
            return 3 * self._channels
        dtype = _DTYPES.get(self._sample_format)
        return self._channels if dtype is None else dtype.itemsize * self._channels

    def check_place(self, position: object, channel: object) -> None:
        """Raise TypeError or ValueError for a position or a channel that this stream cannot have."""
        for field, value in (("position", position), ("channel", channel)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, SupportsIndex)):
                raise TypeError(f"{field}: expected an integer, not {type(value).__name__}")
        if isinstance(position, SupportsIndex) and not 0 <= index(position) < 2**63:
            raise ValueError(f"position={quoted(position)}: expected a number of samples, 0 or more")
        if isinstance(channel, SupportsIndex) and not 0 <= index(channel) <= self._channels:
            raise ValueError(
                f"channel={quoted(channel)}: expected 1 to {self._channels}, or 0 for all channels, interleaved"
            )
        if not self._takes_positions:
            raise ValueError("position, channel: the config needs max_gap_ms, max_skew_ms or max_jitter_ms")

    def to_bytes(self, pcm: Pcm, channel: int = 0) -> memoryview:
        """Return `pcm` as flat bytes, copied only if its memory layout requires it. `channel`: 0 if it has all channels.

        Raises TypeError for an object of another type or an array whose dtype does not match the config's sample
        format, and ValueError if the number of channels does not match or 24-bit samples are out of range. Bytes are
        not checked: a message may end inside a sample.
        """
        if not isinstance(pcm, np.ndarray):
            try:
                view = memoryview(pcm)
            except TypeError:
                raise TypeError(f"pcm: expected bytes or a numpy array, not {type(pcm).__name__}") from None
            return view.cast("B") if view.c_contiguous and view.nbytes else memoryview(view.tobytes())
        self._check(pcm, 1 if channel else self._channels)
        samples: NDArray[Any] = np.ascontiguousarray(pcm, dtype=_DTYPES[self._sample_format])
        flat = samples.reshape(-1).view(np.uint8)
        if self._sample_format == SampleFormat.SAMPLE_FORMAT_S24LE:
            flat = flat.reshape(-1, 4)[:, :3].reshape(-1)
        return flat.data

    def _check(self, pcm: NDArray[Any], channels: int) -> None:
        name = SampleFormat.Name(self._sample_format).removeprefix("SAMPLE_FORMAT_")
        dtype = _DTYPES[self._sample_format]
        if pcm.dtype.newbyteorder("<") != dtype:
            raise TypeError(f"pcm has dtype {quoted(pcm.dtype)}: {name} requires {dtype.name}")
        if pcm.shape[1:] != (channels,) and (pcm.ndim, channels) != (1, 1):
            raise ValueError(f"pcm has shape {quoted(pcm.shape)}: the config requires (n, {channels})")
        in_range = self._sample_format != SampleFormat.SAMPLE_FORMAT_S24LE or not pcm.size
        if not in_range and not -(2**23) <= pcm.min() <= pcm.max() < 2**23:
            raise ValueError("pcm has samples beyond 24 bits: s24le requires int32 from -8388608 to 8388607")
