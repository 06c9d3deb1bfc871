"""The options of one stream, checked and complete: made by `resolve`, never changed after."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from .audio.sample_types import SampleType

if TYPE_CHECKING:
    from .formats import Format


@dataclass(frozen=True)
class InputOptions:
    """The PCM that comes in: interleaved samples."""

    sample_type: SampleType
    sample_rate_hz: int
    channels: int

    @cached_property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.sample_type.width * self.channels


@dataclass(frozen=True)
class OutputOptions:
    """The file that goes out. None: the format has no such setting, or another one takes its place."""

    format: "Format"
    sample_type: SampleType
    """Of the file, or what a lossy codec takes."""
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


@dataclass(frozen=True, kw_only=True)
class EncoderOptions:
    """What a caller asks for, before it is checked. 0, None and "" take the format's default."""

    format: str
    """Name of the format, such as "mp3"."""
    sample_rate_hz: int
    channels: int = 1
    sample_format: str = "s16le"
    bitrate_bps: int | None = None
    vbr_quality: float | None = None
    effort: int | None = None
    page_ms: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    output_sample_rate_hz: int = 0
    output_channels: int = 0
    output_sample_format: str = ""
