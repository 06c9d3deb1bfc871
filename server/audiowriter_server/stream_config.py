"""From the StreamConfig message to checked options, with every bad field named at once."""

from collections.abc import Sequence
from math import isfinite

from audiowriter.v1 import audio_writer_pb2 as pb
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from . import channels as layouts
from .encoders import ENCODERS
from .encoders.base import FormatSpec
from .errors import InvalidArgument, Violation
from .options import InputOptions, OutputOptions, StreamOptions
from .samples import F32LE, F64LE, S16LE, S24LE, S32LE, SAMPLE_TYPES, U8, SampleType

INPUT_RATES = range(1000, 768_001)
"""Sample rates in Hz that may come in; soxr converts between any two of them."""

MAX_TAGS_BYTES = 65_536
"""They stand in the header, which `finished` repeats in one message."""

_LOSSLESS_FALLBACK = {U8: S16LE, S32LE: S24LE, F32LE: S24LE, F64LE: S24LE}
_FORMAT_BITS = {value: key for key, value in SAMPLE_TYPES.items()}


def resolve(config: pb.StreamConfig) -> StreamOptions:
    """Check a config and fill in every 0 or unset field.

    Raises InvalidArgument with one violation for each bad field.
    """
    check = _Check()
    pcm, wanted = config.input, config.output
    source = InputOptions(
        sample_type=check.sample_type(
            "config.input.sample_format", pcm.sample_format, tuple(SAMPLE_TYPES.values()), S16LE
        ),
        sample_rate_hz=check.one_of("config.input.sample_rate_hz", pcm.sample_rate_hz, INPUT_RATES, "audiowriter"),
        channels=check.one_of("config.input.channels", pcm.channels or 1, tuple(layouts.LAYOUTS), "audiowriter"),
    )
    encoder = ENCODERS.get(wanted.format)
    if encoder is None:
        known = ", ".join(pb.AudioFormat.Name(number) for number in ENCODERS)
        check.fail("config.output.format", _enum_name(pb.AudioFormat, wanted.format), f"audiowriter writes {known}")
        raise InvalidArgument(check.violations)
    output = _resolve_output(check, encoder.spec, source, wanted)
    if check.violations:
        raise InvalidArgument(check.violations)
    return StreamOptions(source, output)


def _resolve_output(check: "_Check", spec: FormatSpec, source: InputOptions, wanted: pb.AudioOutput) -> OutputOptions:
    rate = wanted.sample_rate_hz or _default_rate(spec, source.sample_rate_hz)
    if wanted.sample_rate_hz or source.sample_rate_hz in INPUT_RATES:
        check.one_of("config.output.sample_rate_hz", rate, spec.sample_rates, spec.name)
    channels = wanted.channels or source.channels
    if channels not in spec.channels:
        if wanted.channels or source.channels in layouts.LAYOUTS:
            check.one_of("config.output.channels", channels, spec.channels, spec.name)
    elif source.channels in layouts.LAYOUTS and not layouts.can_mix(source.channels, channels):
        check.fail("config.output.channels", channels, f"{source.channels} channels mix to {source.channels}, 1 or 2")
    default_type = source.sample_type
    if default_type not in spec.sample_types:
        default_type = _LOSSLESS_FALLBACK.get(default_type, S16LE) if spec.lossless else spec.sample_types[0]
    sample_type = check.sample_type(
        "config.output.sample_format", wanted.sample_format, spec.sample_types, default_type
    )
    if rate in spec.sample_rates and channels in spec.channels:
        bitrate, quality = _resolve_rate(check, spec, wanted, rate, channels)
    else:  # what they allow is not known
        bitrate, quality = None, None
    return OutputOptions(
        format=wanted.format,
        sample_type=sample_type,
        sample_rate_hz=rate,
        channels=channels,
        bitrate_bps=bitrate,
        vbr_quality=quality,
        effort=_resolve_effort(check, spec, wanted),
        page_ms=_resolve_page(check, spec, wanted),
        tags=_resolve_tags(check, spec, wanted),
    )


def _default_rate(spec: FormatSpec, input_rate: int) -> int:
    if spec.takes_next_rate and input_rate not in spec.sample_rates:
        return min((rate for rate in spec.sample_rates if rate > input_rate), default=max(spec.sample_rates))
    return input_rate


def _resolve_rate(
    check: "_Check", spec: FormatSpec, wanted: pb.AudioOutput, rate: int, channels: int
) -> tuple[int | None, float | None]:
    asked = wanted.WhichOneof("rate")
    if asked == "vbr_quality":
        if not spec.takes_vbr_quality:
            would_do = "takes bitrate_bps" if spec.bitrates else "has no rate setting"
            check.fail("config.output.vbr_quality", f"{wanted.vbr_quality:g}", f"{spec.name} {would_do}")
        elif not (isfinite(wanted.vbr_quality) and 0 <= wanted.vbr_quality <= 1):
            check.fail("config.output.vbr_quality", f"{wanted.vbr_quality:g}", f"{spec.name} takes 0 to 1")
        return None, round(wanted.vbr_quality, 6)  # 0.4 came as the float 0.4000000059604645
    if spec.bitrates is None:
        if asked == "bitrate_bps" and wanted.bitrate_bps:
            would_do = "takes vbr_quality" if spec.takes_vbr_quality else "has no rate setting"
            check.fail("config.output.bitrate_bps", wanted.bitrate_bps, f"{spec.name} {would_do}")
        return None, spec.vbr_quality
    allowed = spec.bitrates(rate, channels)
    default = _nearest(allowed, spec.bitrate_per_channel * channels)
    what = f"{spec.name} at {rate} Hz with {channels} channel{'s' * (channels > 1)}"
    return check.one_of("config.output.bitrate_bps", wanted.bitrate_bps or default, allowed, what), None


def _nearest(allowed: Sequence[int], wanted: int) -> int:
    if isinstance(allowed, range) and allowed.step == 1:  # half a million bitrates: to look at each takes 40 ms
        return min(max(wanted, allowed[0]), allowed[-1])
    return min(allowed, key=lambda value: abs(value - wanted))


def _resolve_effort(check: "_Check", spec: FormatSpec, wanted: pb.AudioOutput) -> int | None:
    if not wanted.HasField("effort"):
        return spec.effort
    if spec.effort is None:
        check.fail("config.output.effort", wanted.effort, f"{spec.name} has no effort setting")
        return None
    return check.one_of("config.output.effort", wanted.effort, range(11), spec.name)


def _resolve_page(check: "_Check", spec: FormatSpec, wanted: pb.AudioOutput) -> int:
    if not wanted.page_ms:
        return spec.page_ms
    if not spec.pages_ms:
        check.fail("config.output.page_ms", wanted.page_ms, f"{spec.name} has no pages")
        return 0
    return check.one_of("config.output.page_ms", wanted.page_ms, spec.pages_ms, spec.name)


def _resolve_tags(check: "_Check", spec: FormatSpec, wanted: pb.AudioOutput) -> dict[str, str]:
    for name, value in sorted(wanted.tags.items()):
        field = f'config.output.tags["{name}"]'
        if name not in spec.tags:
            carries = f"carries {', '.join(spec.tags)}" if spec.tags else "carries no tags"
            check.fail(field, repr(value), f"{spec.name} {carries}")
        elif "\0" in value:
            check.fail(field, repr(value), "a tag can't hold a NUL character")
        elif name in spec.integer_tags and not _is_integer_in(value, spec.integer_tags[name]):
            check.fail(field, repr(value), f"takes an integer, {describe(spec.integer_tags[name])}")
    size = sum(len(name.encode()) + len(value.encode()) for name, value in wanted.tags.items())
    if size > MAX_TAGS_BYTES:
        check.fail("config.output.tags", f"{size} bytes", f"audiowriter takes {MAX_TAGS_BYTES} in all")
    return dict(sorted(wanted.tags.items()))  # a map comes in any order: one config, one file


def _is_integer_in(text: str, allowed: range) -> bool:
    try:
        return int(text) in allowed
    except ValueError:
        return False


class _Check:
    """Gathers violations, so that the caller learns of all bad fields at once."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def fail(self, field: str, value: object, would_do: str) -> None:
        leaf = field.rsplit(".", 1)[-1]
        self.violations.append(Violation(field, f"{leaf}={value}: {would_do}"))

    def one_of(self, field: str, value: int, allowed: Sequence[int], who: str) -> int:
        if value not in allowed:
            self.fail(field, value, f"{who} takes {describe(allowed)}")
        return value

    def sample_type(self, field: str, value: int, allowed: Sequence[SampleType], default: SampleType) -> SampleType:
        if value == pb.SAMPLE_FORMAT_UNSPECIFIED:
            return default
        kind = SAMPLE_TYPES.get(value)
        if kind not in allowed:
            names = ", ".join(kind.name for kind in allowed)
            self.fail(field, _enum_name(pb.SampleFormat, value).removeprefix("SAMPLE_FORMAT_"), f"takes {names}")
        return kind or default


def describe(values: Sequence[int]) -> str:
    """Say which integers are meant: "8000, 12000" or "6000 to 510000" or "20 to 2000 in steps of 20"."""
    if isinstance(values, range) and len(values) > 1:
        step = f" in steps of {values.step}" if values.step > 1 else ""
        return f"{values[0]} to {values[-1]}{step}"
    return ", ".join(map(str, values))


def to_proto(output: OutputOptions) -> pb.AudioOutput:
    """Options as the AudioOutput of StreamStarted, every field filled in that the format has."""
    return pb.AudioOutput(
        format=pb.AudioFormat.Name(output.format),
        sample_rate_hz=output.sample_rate_hz,
        channels=output.channels,
        sample_format=pb.SampleFormat.Name(_FORMAT_BITS[output.sample_type]),
        bitrate_bps=output.bitrate_bps,
        vbr_quality=output.vbr_quality,
        effort=output.effort,
        page_ms=output.page_ms,
        tags=output.tags,
    )


def _enum_name(enum: EnumTypeWrapper, value: int) -> str:
    """The name of an enum value; the number where it has none."""
    return next((name for name, number in enum.items() if number == value), str(value))
