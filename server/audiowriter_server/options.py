"""What a stream was asked to be, checked and complete: made by stream_config.resolve, never changed after."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from .samples import SampleType


@dataclass(frozen=True)
class InputOptions:
    """The PCM that comes in."""

    sample_type: SampleType
    sample_rate_hz: int
    channels: int

    @cached_property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.sample_type.width * self.channels


@dataclass(frozen=True)
class OutputOptions:
    """The file that goes out. None: the format has no such setting, or another one stands in its place."""

    format: int
    """Value of the proto's AudioFormat."""
    sample_type: SampleType
    """Of the file, or what a lossy codec is fed with."""
    sample_rate_hz: int
    channels: int
    bitrate_bps: int | None = None
    vbr_quality: float | None = None
    effort: int | None = None
    page_ms: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StreamOptions:
    """Both ends of a stream."""

    input: InputOptions
    output: OutputOptions
