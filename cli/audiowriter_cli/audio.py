"""The input of `encode`: its PCM format and its blocks."""

from collections.abc import Iterator
from dataclasses import dataclass

import click
import numpy as np
from audiowriter_client.pcm import Pcm

BLOCK_FRAMES = 16384
BLOCK_BYTES = 64 * 1024

_SAMPLE_BYTES = {"u8": 1, "s16le": 2, "s24le": 3, "s32le": 4, "f32le": 4, "f64le": 8, "mulaw": 1, "alaw": 1}


@dataclass(frozen=True)
class PcmFormat:
    """Sample format, sample rate and number of channels."""

    sample_format: str
    sample_rate_hz: int
    channels: int

    @property
    def frame_bytes(self) -> int:
        """Size of one sample of all channels."""
        return _SAMPLE_BYTES[self.sample_format] * self.channels


@dataclass(frozen=True)
class RawOptions:
    """Values of --input-format, --input-rate and --input-channels; None if not given."""

    sample_format: str | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None

    @property
    def given(self) -> bool:
        """Whether any of them is given."""
        return any((self.sample_format, self.sample_rate_hz, self.channels))

    def pcm_format(self, default: str = "s16le") -> PcmFormat:
        """Return the format of raw PCM. `default`: the sample format if none is given.

        Raises UsageError if the sample rate is missing.
        """
        if self.sample_rate_hz is None:
            raise click.UsageError("raw PCM needs --input-rate")
        return PcmFormat(self.sample_format or default, self.sample_rate_hz, self.channels or 1)


@dataclass(frozen=True)
class Source:
    """Audio to encode."""

    format: PcmFormat
    blocks: Iterator[Pcm]
    frames: int | None = None  # length in samples per channel; None: unknown

    def frames_in(self, block: Pcm) -> float:
        """Length of a block in samples per channel."""
        return len(block) if isinstance(block, np.ndarray) else len(block) / self.format.frame_bytes
