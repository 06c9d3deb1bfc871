"""Builds a stream's config from plain values."""

from collections.abc import Iterable, Mapping, Sequence

from audiowriter.v1.audio_writer_pb2 import AudioOutput, Metadata, PcmInput, StreamConfig, Tag
from google.protobuf.duration_pb2 import Duration

from audiowriter_client.errors import quoted
from audiowriter_client.formats import AUDIO_FORMATS

TagOptions = Mapping[str, str | Sequence[str]] | Iterable[tuple[str, str]]
"""Pairs of name and value, or a mapping of names to a value or to several values."""

_MAX_DURATION_MS = 1e12
"""Far below the limit of google.protobuf.Duration, and far above every page."""


def stream_config(
    *,
    format: str,  # noqa: A002 - the field's name in the contract
    sample_rate_hz: int,
    channels: int = 1,
    sample_format: str = "s16le",
    bitrate_bps: int | None = None,
    vbr_quality: float | None = None,
    effort: int | None = None,
    page_ms: float | None = None,
    opus_frame_ms: float | None = None,
    tags: TagOptions | None = None,
    output_sample_rate_hz: int | None = None,
    output_channels: int | None = None,
    output_sample_format: str | None = None,
    request_id: str = "",
) -> StreamConfig:
    """Build a StreamConfig.

    `format` is a name that ListFormats returns, such as "mp3": a key of `audiowriter_client.formats.AUDIO_FORMATS`. A sample
    format is "s16le", "s24le", "s32le", "f32le", "f64le" or "u8".
    `sample_rate_hz`, `channels` and `sample_format` describe the PCM that will be sent. The file has the same values
    unless `output_...` overrides them. `tags` are pairs of name and value, or a mapping of names to a value or to several
    values. `page_ms` and `opus_frame_ms` are durations in ms. `request_id` is the caller's own ID of the call, which appears
    in the server's log. The other values have the units and defaults of AudioOutput's fields.

    Raises ValueError for an unknown name, a number that is out of range for its field, or both of `bitrate_bps` and
    `vbr_quality`. The server checks everything else.
    """
    if bitrate_bps is not None and vbr_quality is not None:
        raise ValueError("bitrate_bps and vbr_quality are mutually exclusive")
    return StreamConfig(
        input=PcmInput(
            sample_format=_named("sample_format", sample_format, SAMPLE_FORMATS),
            sample_rate_hz=sample_rate_hz,
            channels=channels,
        ),
        output=AudioOutput(
            format=_named("format", format, AUDIO_FORMATS),
            sample_rate_hz=output_sample_rate_hz,
            channels=output_channels,
            sample_format=output_sample_format and _named("output_sample_format", output_sample_format, SAMPLE_FORMATS),
            bitrate_bps=bitrate_bps,
            vbr_quality=vbr_quality,
            effort=effort,
            page=_duration("page_ms", page_ms),
            opus_frame=_duration("opus_frame_ms", opus_frame_ms),
            metadata=_metadata(tags),
        ),
        request_id=request_id,
    )


SAMPLE_FORMATS = {
    "s16le": "SAMPLE_FORMAT_S16LE",
    "s24le": "SAMPLE_FORMAT_S24LE",
    "s32le": "SAMPLE_FORMAT_S32LE",
    "f32le": "SAMPLE_FORMAT_F32LE",
    "f64le": "SAMPLE_FORMAT_F64LE",
    "u8": "SAMPLE_FORMAT_U8",
}


def _duration(field: str, ms: float | None) -> Duration | None:
    if ms is None:
        return None
    if not abs(ms) <= _MAX_DURATION_MS:
        raise ValueError(f"{field}={ms:g}: not a duration in ms")
    duration = Duration()
    duration.FromNanoseconds(round(ms * 1e6))
    return duration


def _metadata(tags: TagOptions | None) -> Metadata | None:
    if not tags:
        return None
    if not isinstance(tags, Mapping):
        return Metadata(tags=[Tag(name=name, value=value) for name, value in tags])
    return Metadata(
        tags=[
            Tag(name=name, value=value)
            for name, values in tags.items()
            for value in ([values] if isinstance(values, str) else values)
        ]
    )


def _named(field: str, name: str, names: Mapping[str, str]) -> str:
    if name not in names:
        raise ValueError(f"{field}={quoted(repr(name))}: expected one of {', '.join(names)}")
    return names[name]
