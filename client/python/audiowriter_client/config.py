"""Builds a stream's config from plain values."""

from collections.abc import Mapping

from audiowriter.v1.audio_writer_pb2 import AudioOutput, PcmInput, StreamConfig

from audiowriter_client.errors import quoted
from audiowriter_client.formats import AUDIO_FORMATS


def stream_config(
    *,
    format: str,  # noqa: A002 - the field's name in the contract
    sample_rate_hz: int,
    channels: int = 1,
    sample_format: str = "s16le",
    bitrate_bps: int | None = None,
    vbr_quality: float | None = None,
    effort: int | None = None,
    page_ms: int | None = None,
    tags: Mapping[str, str] | None = None,
    output_sample_rate_hz: int | None = None,
    output_channels: int | None = None,
    output_sample_format: str | None = None,
) -> StreamConfig:
    """Build a StreamConfig.

    `format` is a name that ListFormats returns, such as "mp3": a key of `audiowriter_client.formats.AUDIO_FORMATS`. A sample
    format is "s16le", "s24le", "s32le", "f32le", "f64le" or "u8".
    `sample_rate_hz`, `channels` and `sample_format` describe the PCM that will be sent. The file has the same values
    unless `output_...` overrides them. The other values have the units and defaults of AudioOutput's fields.

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
            page_ms=page_ms,
            tags=tags,
        ),
    )


SAMPLE_FORMATS = {
    "s16le": "SAMPLE_FORMAT_S16LE",
    "s24le": "SAMPLE_FORMAT_S24LE",
    "s32le": "SAMPLE_FORMAT_S32LE",
    "f32le": "SAMPLE_FORMAT_F32LE",
    "f64le": "SAMPLE_FORMAT_F64LE",
    "u8": "SAMPLE_FORMAT_U8",
}


def _named(field: str, name: str, names: Mapping[str, str]) -> str:
    if name not in names:
        raise ValueError(f"{field}={quoted(repr(name))}: expected one of {', '.join(names)}")
    return names[name]
