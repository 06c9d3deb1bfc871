"""Builds a stream's config from plain values."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import index
from typing import SupportsFloat, SupportsIndex

from audiowriter.v1.audio_writer_pb2 import (
    AudioOutput,
    EncodeStreamRequest,
    LoudnessOptions,
    Marker,
    Metadata,
    PcmInput,
    Picture,
    StreamConfig,
    Tag,
)
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
    pictures: Iterable[Picture | bytes] = (),
    metadata_bytes: int = 0,
    gain_db: float | None = None,
    true_peak_limit_dbtp: float | None = None,
    measure_loudness: bool = False,
    wav_header: str | None = None,
    max_gap_ms: float | None = None,
    max_skew_ms: float | None = None,
    max_jitter_ms: float | None = None,
    output_sample_rate_hz: int | None = None,
    output_channels: int | None = None,
    output_sample_format: str | None = None,
    request_id: str = "",
) -> StreamConfig:
    """Build a StreamConfig.

    `format` is a name that ListFormats returns, such as "mp3": a key of `audiowriter_client.formats.AUDIO_FORMATS`. A sample
    format is "s16le", "s24le", "s32le", "f32le", "f64le" or "u8", or "mulaw" or "alaw" for G.711.
    `sample_rate_hz`, `channels` and `sample_format` describe the PCM that will be sent. The file has the same values
    unless `output_...` overrides them. `tags` are pairs of name and value, or a mapping of names to a value or to several
    values. `page_ms` and `opus_frame_ms` are durations in ms. `gain_db`, `true_peak_limit_dbtp` and `measure_loudness` are
    the fields of LoudnessOptions. `request_id` is the caller's own ID of the call, which appears in the server's log.
    `pictures` has the front cover: a JPEG or PNG file, as bytes or as a Picture message. `metadata_bytes` is the room for
    what `describe` of the writer adds later; 4096 are enough for most files. `wav_header` is "full", or "minimal" for 44
    bytes without tags. `max_gap_ms`, `max_skew_ms` and `max_jitter_ms` are the durations of PcmInput in ms, one of which is
    needed for PCM with positions or of single channels. The other values have the units and defaults of AudioOutput's
    fields.

    Raises ValueError for an unknown name, a number that is out of range for its field, or both of `bitrate_bps` and
    `vbr_quality`, and TypeError for a value of another type. The server checks everything else.
    """
    if bitrate_bps is not None and vbr_quality is not None:
        raise ValueError("bitrate_bps and vbr_quality are mutually exclusive")
    return StreamConfig(
        input=PcmInput(
            sample_format=_named("sample_format", sample_format, SAMPLE_FORMATS),
            sample_rate_hz=_integer("sample_rate_hz", sample_rate_hz),
            channels=_integer("channels", channels),
            max_gap=_duration("max_gap_ms", max_gap_ms),
            max_skew=_duration("max_skew_ms", max_skew_ms),
            max_jitter=_duration("max_jitter_ms", max_jitter_ms),
        ),
        output=AudioOutput(
            format=_named("format", format, AUDIO_FORMATS),
            sample_rate_hz=_integer("output_sample_rate_hz", output_sample_rate_hz),
            channels=_integer("output_channels", output_channels),
            sample_format=None
            if output_sample_format is None
            else _named("output_sample_format", output_sample_format, SAMPLE_FORMATS),
            bitrate_bps=_integer("bitrate_bps", bitrate_bps),
            vbr_quality=_number("vbr_quality", vbr_quality),
            effort=_integer("effort", effort),
            page=_duration("page_ms", page_ms),
            opus_frame=_duration("opus_frame_ms", opus_frame_ms),
            metadata=_metadata(tags, pictures),
            metadata_bytes=_integer("metadata_bytes", metadata_bytes),
            loudness=_loudness(gain_db, true_peak_limit_dbtp, measure_loudness),
            wav_header=None if wav_header is None else _named("wav_header", wav_header, WAV_HEADERS),
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
    "mulaw": "SAMPLE_FORMAT_MULAW",
    "alaw": "SAMPLE_FORMAT_ALAW",
}

WAV_HEADERS = {"full": "WAV_HEADER_FULL", "minimal": "WAV_HEADER_MINIMAL"}


def _duration(field: str, value: object) -> Duration | None:
    ms = _number(field, value)
    if ms is None:
        return None
    if not 0 <= ms <= _MAX_DURATION_MS:
        raise ValueError(f"{field}={ms:g}: expected a duration in ms, 0 or more")
    duration = Duration()
    duration.FromNanoseconds(round(ms * 1e6))
    return duration


def _loudness(gain_db: object, true_peak_limit_dbtp: object, measure: bool) -> LoudnessOptions | None:
    gain, limit = _number("gain_db", gain_db), _number("true_peak_limit_dbtp", true_peak_limit_dbtp)
    if not gain and limit is None and not measure:
        return None
    return LoudnessOptions(gain_db=gain, true_peak_limit_dbtp=limit, measure=bool(measure))


def _metadata(tags: TagOptions | None, pictures: Iterable[Picture | bytes]) -> Metadata | None:
    metadata = Metadata(tags=_tags(tags), pictures=_pictures(pictures))
    return metadata if metadata.tags or metadata.pictures else None


def late_description(tags: TagOptions, markers: Iterable[Marker]) -> EncodeStreamRequest:
    """Return a request with tags and markers. Raises ValueError and TypeError as stream_config does."""
    request = EncodeStreamRequest(markers=markers)
    request.metadata.tags.extend(_tags(tags))
    return request


def _tags(tags: TagOptions | None) -> Iterator[Tag]:
    if tags is None:
        return iter(())
    given: object = tags
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"tags: expected a mapping, or pairs of name and value, not {type(tags).__name__}")
    pairs = list(_pairs(tags))
    for pair in pairs:
        if not (isinstance(pair, (list, tuple)) and len(pair) == 2):
            raise TypeError(f"tags: expected pairs of name and value, not {quoted(repr(pair))}")
    for text in (text for pair in pairs for text in pair):
        if not isinstance(text, str):
            raise TypeError(f"tags: expected str, not {type(text).__name__} {quoted(repr(text))}")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise ValueError(f"tags: {quoted(ascii(text))} has a lone surrogate, which UTF-8 cannot encode")
    return (Tag(name=name, value=value) for name, value in pairs)


def _pictures(pictures: Iterable[Picture | bytes]) -> Iterator[Picture]:
    given: object = pictures
    if isinstance(given, bytes | str) or not isinstance(given, Iterable):
        raise TypeError(f"pictures: expected a list, not {type(pictures).__name__}")
    for picture in pictures:
        if isinstance(picture, bytes):
            yield Picture(data=picture)
        elif isinstance(picture, Picture):
            yield picture
        else:
            raise TypeError(f"pictures: expected bytes or Picture, not {type(picture).__name__}")


def _pairs(tags: TagOptions) -> Iterator[tuple[str, str]]:
    if not isinstance(tags, Mapping):
        yield from tags
        return
    for name, values in tags.items():
        for value in values if isinstance(values, (list, tuple)) else (values,):
            yield name, value


def _named(field: str, name: object, names: Mapping[str, str]) -> str:
    if not isinstance(name, str) or name not in names:
        raise ValueError(f"{field}={quoted(repr(name))}: expected one of {', '.join(names)}")
    return names[name]


_UINT32 = 2**32


def _integer(field: str, value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise TypeError(f"{field}: expected an integer, not {type(value).__name__} {quoted(repr(value))}")
    number = index(value)
    if not 0 <= number < _UINT32:
        raise ValueError(f"{field}={quoted(number)}: expected an integer from 0 to {_UINT32 - 1}")
    return number


def _number(field: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, SupportsFloat):
        raise TypeError(f"{field}: expected a number, not {type(value).__name__} {quoted(repr(value))}")
    return float(value)


def check_config(config: object) -> None:
    """Raise TypeError if this is not a StreamConfig."""
    if not isinstance(config, StreamConfig):
        raise TypeError(f"config: expected a StreamConfig, as stream_config returns, not {type(config).__name__}")
