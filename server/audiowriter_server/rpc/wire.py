"""Converts options, events and violations between protobuf and the core; format_info.py does it for formats."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core import (
    FORMATS,
    Chunk,
    Event,
    Finished,
    Flushed,
    InvalidArgument,
    Loudness,
    Marker,
    Picture,
    ResumePoint,
    Started,
    Violation,
)
from audiowriter_core.description import Tags
from audiowriter_core.markers import MAX_MARKERS
from audiowriter_core.options import LevelOptions, OutputOptions
from audiowriter_core.pictures import MAX_PICTURES
from google.protobuf.duration_pb2 import Duration
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from .. import errors

_HASH_BYTES = sha256().digest_size
_INPUT = ("sample_rate_hz", "channels", "sample_format", "max_gap", "max_skew", "max_jitter")
_REQUEST = ("position", "channel")
"""Violations of a request, not of the config."""
_PREFIX = "output_"
_MAX_TAGS = 1000
"""Tags that are converted. The core refuses fewer."""
_DURATIONS = {f"{name}_ms": (name, " ms") for name in ("page", "opus_frame", "max_gap", "max_skew", "max_jitter")}
"""Fields and units of options that are durations in the contract."""
_LOUDNESS = ("gain_db", "true_peak_limit_dbtp")
_BY_NUMBER = {kind.number: kind for kind in FORMATS.values()}
_SAMPLE_FORMATS: dict[int, str] = {
    pb.SAMPLE_FORMAT_S16LE: "s16le",
    pb.SAMPLE_FORMAT_S24LE: "s24le",
    pb.SAMPLE_FORMAT_S32LE: "s32le",
    pb.SAMPLE_FORMAT_F32LE: "f32le",
    pb.SAMPLE_FORMAT_F64LE: "f64le",
    pb.SAMPLE_FORMAT_U8: "u8",
    pb.SAMPLE_FORMAT_MULAW: "mulaw",
    pb.SAMPLE_FORMAT_ALAW: "alaw",
}
WAV_HEADERS = {"full": pb.WAV_HEADER_FULL, "minimal": pb.WAV_HEADER_MINIMAL}
_WAV_HEADERS: dict[int, str] = {number: name for name, number in WAV_HEADERS.items()}


def options(config: pb.StreamConfig) -> dict[str, Any]:
    """Return a config as arguments of AudioEncoder."""
    source, target = config.input, config.output
    rate = target.WhichOneof("rate")
    kind = _BY_NUMBER.get(target.format)
    return {
        "format": kind.name if kind else _enum_name(pb.AudioFormat, target.format),
        "sample_rate_hz": source.sample_rate_hz,
        "channels": source.channels or 1,
        "sample_format": _name(_SAMPLE_FORMATS, source.sample_format) or "s16le",
        "max_gap_ms": _ms(source.max_gap),
        "max_skew_ms": _ms(source.max_skew),
        "max_jitter_ms": _ms(source.max_jitter),
        "bitrate_bps": target.bitrate_bps if rate == "bitrate_bps" else None,
        "vbr_quality": target.vbr_quality if rate == "vbr_quality" else None,
        "effort": target.effort if target.HasField("effort") else None,
        "page_ms": _ms(target.page),
        "opus_frame_ms": _ms(target.opus_frame),
        "tags": _tags(target.metadata),
        "pictures": [
            Picture(one.data, one.mime_type, one.description)
            for one in target.metadata.pictures[: MAX_PICTURES + 1]  # one too many is refused
        ],
        "gain_db": target.loudness.gain_db,
        "true_peak_limit_dbtp": (
            target.loudness.true_peak_limit_dbtp if target.loudness.HasField("true_peak_limit_dbtp") else None
        ),
        "measure_loudness": target.loudness.measure,
        "metadata_bytes": target.metadata_bytes,
        "wav_header": _name(_WAV_HEADERS, target.wav_header),
        "output_sample_rate_hz": target.sample_rate_hz,
        "output_channels": target.channels,
        "output_sample_format": _name(_SAMPLE_FORMATS, target.sample_format),
    }


def description(markers: Sequence[pb.Marker], metadata: pb.Metadata | None = None) -> dict[str, Any]:
    """Return what a request adds to the file, as arguments of `describe`. Raises InvalidArgument for pictures."""
    if metadata is not None and metadata.pictures:
        text = "are taken in the config only"
        raise errors.InvalidArgument([errors.Violation("metadata.pictures", text)])
    return {
        "tags": [] if metadata is None else _tags(metadata),
        "markers": [
            Marker(one.position, one.length, one.title, one.url)
            for one in markers[: MAX_MARKERS + 1]  # one too many is refused
        ],
    }


def _tags(metadata: pb.Metadata) -> list[tuple[str, str]]:
    return [(tag.name, tag.value) for tag in metadata.tags[:_MAX_TAGS]]


def responses(events: Sequence[Event], output: OutputOptions) -> list[pb.EncodeStreamResponse]:
    """Convert events to messages. `output`: the output options of the stream."""
    messages = []
    for event in events:
        message = pb.EncodeStreamResponse()
        if isinstance(event, Chunk):  # tested first, because most events are chunks
            chunk = message.chunk  # set in place, because a message given to the constructor would be copied
            chunk.data, chunk.offset, chunk.input_samples, chunk.output_samples = event
        elif isinstance(event, Flushed):
            flushed = message.flushed
            flushed.offset, flushed.input_samples = event.offset, event.input_samples
            flushed.held_samples = event.held_samples
        elif isinstance(event, Started):
            message.started.CopyFrom(_started(event))
        else:
            message.finished.CopyFrom(_finished(event, output.sample_rate_hz))
        messages.append(message)
    return messages


def _started(event: Started) -> pb.StreamStarted:
    output = event.output
    return pb.StreamStarted(
        output=pb.AudioOutput(
            format=pb.AudioFormat.Name(output.format.number),
            sample_rate_hz=output.sample_rate_hz,
            channels=output.channels,
            sample_format=sample_number(output.sample_type.name),
            bitrate_bps=output.bitrate_bps,
            vbr_quality=output.vbr_quality,
            effort=output.effort,
            page=duration(output.page_ms),
            opus_frame=duration(output.opus_frame_ms),
            loudness=_loudness_options(output.level),
            metadata=_metadata(output.tags),
            metadata_bytes=output.metadata_bytes,
            wav_header=WAV_HEADERS.get(output.wav_header),
        ),
        mime_type=event.mime_type,
        file_extension=event.file_extension,
        delay_samples=event.delay_samples,
        serial=event.serial,
    )


def _loudness_options(level: LevelOptions) -> pb.LoudnessOptions | None:
    if level == LevelOptions():
        return None
    return pb.LoudnessOptions(
        measure=level.measure_loudness,
        gain_db=level.gain_db,
        true_peak_limit_dbtp=level.true_peak_limit_dbtp,
    )


def resume_point(resume: pb.ResumePoint) -> ResumePoint:
    """Convert what the listener of a stream has. Raises InvalidArgument, which lists all bad fields."""
    violations = [
        errors.Violation(f"resume.{name}", f"{name}={value}: takes 0 or more {unit}")
        for name, value, unit in (
            ("offset", resume.offset, "bytes"),
            ("output_samples", resume.output_samples, "samples per channel"),
        )
        if value < 0
    ]
    if resume.offset:
        if len(resume.sha256) != _HASH_BYTES:
            text = f"has {len(resume.sha256)} bytes: takes the {_HASH_BYTES} bytes of a SHA-256"
            violations.append(errors.Violation("resume.sha256", text))
        if not resume.serial:
            text = "is missing: takes the serial of the stream that broke"
            violations.append(errors.Violation("resume.serial", text))
    if violations:
        raise errors.InvalidArgument(violations)
    return ResumePoint(resume.offset, resume.sha256, resume.output_samples, resume.crc32c, resume.first_crc32c)


def _metadata(tags: Tags) -> pb.Metadata | None:
    return pb.Metadata(tags=[pb.Tag(name=name, value=value) for name, value in tags]) if tags else None


def _ms(given: Duration) -> float:
    return given.ToNanoseconds() / 1e6


def duration(ms: float) -> Duration | None:
    """Return a duration, or None for 0, which stands for a value that a format does not have."""
    if not ms:
        return None
    message = Duration()
    message.FromNanoseconds(round(ms * 1e6))
    return message


def _finished(event: Finished, sample_rate_hz: int) -> pb.StreamFinished:
    totals = pb.Totals(
        file_bytes=event.file_bytes,
        input_samples=event.input_samples,
        output_samples=event.output_samples,
        delay_samples=event.delay_samples,
        padding_samples=event.padding_samples,
        sent_sha256=event.sent_sha256,
        file_crc32c=event.file_crc32c,
        clipped_samples=event.clipped_samples,
        peak=event.peak,
        filled_samples=event.filled_samples,
        dropped_samples=event.dropped_samples,
        drift_ppm=event.drift_ppm,
        loudness=None if event.loudness is None else _loudness(event.loudness),
        sent_sha256_offset=event.sent_sha256_offset,
    )
    totals.duration.FromNanoseconds(event.output_samples * 1_000_000_000 // sample_rate_hz)
    return pb.StreamFinished(header=event.header, trailer=event.trailer, totals=totals)


def _loudness(measured: Loudness) -> pb.Loudness:
    return pb.Loudness(
        integrated_lufs=measured.integrated_lufs,
        range_lu=measured.range_lu,
        true_peak_dbtp=measured.true_peak_dbtp,
    )


def invalid_argument(error: InvalidArgument) -> errors.InvalidArgument:
    """Convert an error of the core to one of the server, whose fields are paths in the request."""
    return errors.InvalidArgument([_violation(violation) for violation in error.violations])


def late_invalid_argument(error: InvalidArgument) -> errors.InvalidArgument:
    """Convert an error of `describe`, whose fields are those of a request."""
    return errors.InvalidArgument(
        [
            errors.Violation(
                one.field if one.field.startswith("markers") else f"metadata.{one.field}",
                f"{one.field}={one.value}: {one.description}" if one.value else one.description,
            )
            for one in error.violations
        ]
    )


def _violation(violation: Violation) -> errors.Violation:
    option, text = violation.field, violation.description
    if option == "pcm":
        return errors.Violation("pcm", text)
    if option in _REQUEST:
        return errors.Violation(option, f"{option}={violation.value}: {text}")
    if option == "format":
        text = f"audiowriter writes {', '.join(pb.AudioFormat.Name(number) for number in _BY_NUMBER)}"
    field, unit = _DURATIONS.get(option, (option.removeprefix(_PREFIX), ""))
    end = "input" if field in _INPUT and not option.startswith(_PREFIX) else "output"
    folder = ".metadata" if field.startswith(("tags", "pictures")) else ".loudness" if field in _LOUDNESS else ""
    return errors.Violation(f"config.{end}{folder}.{field}", f"{field}={violation.value}{unit}: {text}")


def _name(names: Mapping[int, str], number: int) -> str:
    """Return the core's name of an enum value, "" if it is not set, and the number as text if it is unknown."""
    return names.get(number, str(number)) if number else ""


def sample_number(name: str) -> pb.SampleFormat:
    """Return the number of a sample type of the core."""
    number: pb.SampleFormat = getattr(pb, f"SAMPLE_FORMAT_{name}")
    return number


def _enum_name(enum: EnumTypeWrapper, value: int) -> str:
    """Return the name of an enum value, or the number as text if it has none."""
    return next((name for name, number in enum.items() if number == value), str(value))
