"""The options of one stream, all frozen.

EncoderOptions is what a caller requests. `resolve` checks it, fills in the defaults and returns StreamOptions.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from .audio.sample_types import SampleType
from .description import Description, Picture, PictureOptions, TagOptions, Tags

if TYPE_CHECKING:
    from .formats import Format


MAX_SERIAL = 2**32 - 1
"""Highest serial of a stream. 0 is left out, so that it can stand for a serial that is not set."""


@dataclass(frozen=True)
class InputOptions:
    """The format of the PCM, whose samples are interleaved."""

    sample_type: SampleType
    sample_rate_hz: int
    channels: int
    max_gap_ms: float = 0
    """Furthest position that is accepted, after the end of the stream so far. 0: the PCM has no positions."""
    max_skew_ms: float = 0
    """How far a channel, or a packet, may come after the others. 0: the PCM has no positions."""
    max_jitter_ms: float = 0
    """Deviation of a position that is a difference of clocks, and corrected. 0: each position is exact."""

    def frames(self, ms: float) -> int:
        """Return the number of frames in this time."""
        return round(ms * self.sample_rate_hz / 1000)

    @cached_property
    def frame_bytes(self) -> int:
        """Bytes per frame. A frame is one sample of every channel."""
        return self.sample_type.width * self.channels


@dataclass(frozen=True)
class LevelOptions:
    """Changes the level of the audio, and measures it."""

    gain_db: float = 0
    true_peak_limit_dbtp: float | None = None
    """The limiter keeps the true peak below this. None: no limiter."""
    measure_loudness: bool = False

    @cached_property
    def changes_samples(self) -> bool:
        """Whether the samples of the file differ from those of the input."""
        return self.gain_db != 0 or self.true_peak_limit_dbtp is not None


@dataclass(frozen=True)
class OutputOptions:
    """The format of the file. An option is None if the format does not have it, or if another option replaces it."""

    format: "Format"
    sample_type: SampleType
    """Sample type in the file. For a lossy codec: the type that it takes."""
    sample_rate_hz: int
    channels: int
    bitrate_bps: int | None = None
    vbr_quality: float | None = None
    effort: int | None = None
    page_ms: float = 0
    opus_frame_ms: float = 0
    """Duration of an Opus frame. 0: the format has none."""
    tags: Tags = ()
    pictures: tuple[Picture, ...] = ()
    metadata_bytes: int = 0
    """Room in the head for a longer description, in bytes."""
    level: LevelOptions = LevelOptions()
    wav_header: str = ""
    """"full" or "minimal". Empty: the format is not WAV."""
    serial: int = field(default=0, compare=False)
    """Where a container needs a random number, it is this one. Not compared, because it is no choice of the caller."""

    @property
    def description(self) -> Description:
        """Everything that describes the audio."""
        return Description(self.tags, self.pictures)


@dataclass(frozen=True)
class StreamOptions:
    """Input and output options of one stream."""

    input: InputOptions
    output: OutputOptions


@dataclass(frozen=True, kw_only=True)
class EncoderOptions:
    """The options as requested, not checked yet. 0, None and "" stand for the format's default."""

    format: str
    """Name of the format, such as "mp3"."""
    sample_rate_hz: int
    channels: int = 1
    sample_format: str = "s16le"
    bitrate_bps: int | None = None
    vbr_quality: float | None = None
    effort: int | None = None
    page_ms: float = 0
    opus_frame_ms: float = 0
    tags: TagOptions = ()
    pictures: PictureOptions = ()
    metadata_bytes: int = 0
    gain_db: float = 0
    true_peak_limit_dbtp: float | None = None
    measure_loudness: bool = False
    wav_header: str = ""
    max_gap_ms: float = 0
    max_skew_ms: float = 0
    max_jitter_ms: float = 0
    serial: int
    """1 to MAX_SERIAL."""
    output_sample_rate_hz: int = 0
    output_channels: int = 0
    output_sample_format: str = ""
