"""Checks the options of a stream and fills in the defaults. Reports all bad fields at once."""

from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from operator import index
from typing import Any

from .audio import layouts
from .audio.sample_types import F32LE, F64LE, S16LE, S24LE, S32LE, SAMPLE_TYPES, U8
from .checks import Check, describe
from .description import Description
from .errors import InvalidArgument
from .formats import FORMATS, Format
from .muxers.room import MAX_METADATA_BYTES
from .muxers.wav import MINIMAL
from .options import MAX_SERIAL, EncoderOptions, InputOptions, LevelOptions, OutputOptions, StreamOptions
from .pictures import resolve_pictures
from .tags import resolve_tags

INPUT_RATES = range(1000, 768_001)
"""Accepted sample rates of the input, in Hz. soxr converts between any two of them."""

FRAME_MS = 20
"""Default duration of an Opus frame."""

MAX_GAP_MS = 300_000
"""Default of max_gap_ms. In most calls, a pause without packets is shorter. Positions in a wrong unit soon exceed it."""

MAX_SKEW_MS = 1000
"""Default of max_skew_ms."""

_TIMES_MS = {"max_gap_ms": (1, 86_400_000), "max_skew_ms": (1, 10_000), "max_jitter_ms": (1, 1000)}
"""Accepted values of the options for PCM with positions."""

_INTEGERS = [
    "sample_rate_hz",
    "channels",
    "bitrate_bps",
    "effort",
    "page_ms",
    "max_gap_ms",
    "max_skew_ms",
    "max_jitter_ms",
    "metadata_bytes",
    "output_sample_rate_hz",
    "output_channels",
    "serial",
]

_LOSSLESS_FALLBACK = {U8: S16LE, S32LE: S24LE, F32LE: S24LE, F64LE: S24LE}


def resolve(options: EncoderOptions) -> StreamOptions:
    """Check the options and fill in all defaults. Raises InvalidArgument with one violation per bad field."""
    values = {name: getattr(options, name) for name in _INTEGERS}
    if others := {
        name: _as_int(value) for name, value in values.items() if type(value) is not int and value is not None
    }:
        options = replace(options, **others)
    check = Check()
    source = InputOptions(
        sample_type=check.sample_type("sample_format", options.sample_format, tuple(SAMPLE_TYPES.values()), S16LE),
        sample_rate_hz=check.one_of("sample_rate_hz", options.sample_rate_hz, INPUT_RATES, "audiowriter"),
        channels=check.one_of("channels", options.channels, tuple(layouts.LAYOUTS), "audiowriter"),
        **_resolve_times(check, options),
    )
    target = FORMATS.get(options.format) if isinstance(options.format, str) else None
    if target is None:
        check.fail("format", options.format, f"audiowriter writes {', '.join(FORMATS)}")
        raise InvalidArgument(check.violations)
    output = _resolve_output(check, target, source, options)
    if check.violations:
        raise InvalidArgument(check.violations)
    return StreamOptions(source, output)


def _resolve_times(check: Check, options: EncoderOptions) -> dict[str, float]:
    """Return the options for PCM with positions. All are 0 if none is requested."""
    requested = {name: getattr(options, name) for name in _TIMES_MS}
    if not any(requested.values()):
        return {}
    for name, (low, high) in _TIMES_MS.items():
        if (value := requested[name]) and not (_is_number(value) and low <= value <= high):
            check.fail(name, _shown(value), f"audiowriter takes {low} to {high} ms")
    defaults = {"max_gap_ms": MAX_GAP_MS, "max_skew_ms": MAX_SKEW_MS, "max_jitter_ms": 0}
    return {name: value or defaults[name] for name, value in requested.items()}


def _as_int(value: Any) -> Any:
    """Return an integer of another library, such as numpy, as an int, and any other value as it is."""
    try:
        return index(value)
    except TypeError:
        return value


def _resolve_output(check: Check, target: Format, source: InputOptions, options: EncoderOptions) -> OutputOptions:
    codec, name = target.codec, target.name
    rate = options.output_sample_rate_hz or _default_rate(target, source.sample_rate_hz)
    if options.output_sample_rate_hz or source.sample_rate_hz in INPUT_RATES:
        check.one_of("output_sample_rate_hz", rate, codec.sample_rates, name)
    channels = options.output_channels or source.channels
    known_layout = isinstance(source.channels, int) and source.channels in layouts.LAYOUTS
    if not isinstance(channels, int) or channels not in codec.channels:
        if options.output_channels or known_layout:
            check.one_of("output_channels", channels, codec.channels, name)
    elif known_layout and not layouts.can_mix(source.channels, channels):
        mixable = sorted({1, 2, source.channels})
        check.fail("output_channels", channels, f"takes {describe(mixable)} if the input has {source.channels}")
    default_type = source.sample_type
    if default_type not in codec.sample_types:
        default_type = _LOSSLESS_FALLBACK.get(default_type, S16LE) if codec.lossless else codec.sample_types[0]
    sample_type = check.sample_type(
        "output_sample_format", options.output_sample_format, codec.sample_types, default_type
    )
    if isinstance(channels, int) and rate in codec.sample_rates and channels in codec.channels:
        bitrate, quality = _resolve_rate(check, target, options, rate, channels)
    else:  # the allowed bitrates depend on the rate and the channels
        bitrate, quality = None, None
    effort = _resolve_effort(check, target, options.effort)
    frame_ms = _resolve_frame(check, target, options)
    page_ms = _resolve_page(check, target, options.page_ms, frame_ms)
    description = Description(
        resolve_tags(check, target, options.tags), resolve_pictures(check, target, options.pictures)
    )
    return OutputOptions(
        format=target,
        sample_type=sample_type,
        sample_rate_hz=rate,
        channels=channels,
        bitrate_bps=bitrate,
        vbr_quality=quality,
        effort=effort,
        page_ms=page_ms,
        opus_frame_ms=frame_ms,
        level=_resolve_level(check, options),
        tags=description.tags,
        pictures=tuple(description.pictures),
        metadata_bytes=_resolve_metadata_bytes(check, target, options),
        wav_header=_resolve_wav_header(check, target, options.wav_header, channels, description),
        serial=check.one_of("serial", options.serial, range(1, MAX_SERIAL + 1), "audiowriter"),
    )


def _default_rate(target: Format, input_rate: int) -> int:
    rates = target.codec.sample_rates
    if target.codec.takes_next_rate and input_rate in INPUT_RATES and input_rate not in rates:
        return min((rate for rate in rates if rate > input_rate), default=max(rates))
    return input_rate


def _resolve_rate(
    check: Check, target: Format, options: EncoderOptions, rate: int, channels: int
) -> tuple[int | None, float | None]:
    codec, name = target.codec, target.name
    bitrate = options.bitrate_bps
    quality: Any = options.vbr_quality
    if quality is not None:
        value = f"{quality:g}" if isinstance(quality, float) else quality
        if bitrate:
            check.fail("vbr_quality", value, "bitrate_bps and vbr_quality are mutually exclusive")
        elif not codec.takes_vbr_quality:
            accepted = "takes bitrate_bps" if codec.bitrates else "has no rate setting"
            check.fail("vbr_quality", value, f"{name} {accepted}")
        elif not _is_share(quality):
            check.fail("vbr_quality", value, f"{name} takes 0 to 1")
        else:
            return None, float(quality)
        return None, None
    if codec.bitrates is None:
        if bitrate:
            accepted = "takes vbr_quality" if codec.takes_vbr_quality else "has no rate setting"
            check.fail("bitrate_bps", bitrate, f"{name} {accepted}")
        return None, codec.vbr_quality
    allowed = codec.bitrates(rate, channels)
    default = _nearest(allowed, codec.bitrate_per_channel * channels)
    what = f"{name} at {rate} Hz with {channels} channel{'s' * (channels > 1)}"
    return check.one_of("bitrate_bps", bitrate or default, allowed, what), None


def _is_share(value: Any) -> bool:
    return isinstance(value, Real) and bool(0 <= value <= 1)  # type: ignore[operator]  # Real has no types


def _nearest(allowed: Sequence[int], wanted: int) -> int:
    if isinstance(allowed, range) and allowed.step == 1:  # searching half a million bitrates takes 40 ms
        return min(max(wanted, allowed[0]), allowed[-1])
    return min(allowed, key=lambda value: abs(value - wanted))


def _resolve_effort(check: Check, target: Format, effort: int | None) -> int | None:
    if effort is None:
        return target.codec.effort
    if target.codec.effort is None:
        check.fail("effort", effort, f"{target.name} has no effort setting")
        return None
    return check.one_of("effort", effort, range(11), target.name)


def _resolve_frame(check: Check, target: Format, options: EncoderOptions) -> float:
    """Return the duration of an Opus frame in ms, or 0 for a format that has none."""
    frame, allowed = options.opus_frame_ms, target.codec.frames_ms
    if not frame:
        page = options.page_ms
        shorter = [value for value in allowed if _is_number(page) and 0 < page < FRAME_MS and page % value == 0]
        return (max(shorter) if shorter else FRAME_MS) if allowed else 0
    if not allowed:
        check.fail("opus_frame_ms", _shown(frame), f"{target.name} has no Opus frames")
    elif frame not in allowed:
        check.fail(
            "opus_frame_ms", _shown(frame), f"{target.name} takes {', '.join(f'{value:g}' for value in allowed)} ms"
        )
    else:
        return frame
    return 0


def _resolve_page(check: Check, target: Format, page: float, frame: float) -> float:
    """Return the duration of a page in ms. `frame`: 0 if frames have no duration of their own."""
    container = target.container
    if not container.pages_ms:
        if page:
            check.fail("page_ms", _shown(page), f"{target.name} has no pages")
        return 0
    if not page:
        return max(frame, container.page_ms // frame * frame) if frame else container.page_ms
    low, high = container.pages_ms
    if not (_is_number(page) and low <= page <= high):
        check.fail("page_ms", _shown(page), f"{target.name} takes {low:g} to {high:g} ms")
    elif frame and page % frame:
        text = f"{target.name} takes {frame:g} to {high:g} ms in steps of {frame:g} ms, the duration of its frames"
        check.fail("page_ms", _shown(page), text)
    return page


def _resolve_level(check: Check, options: EncoderOptions) -> LevelOptions:
    gain, limit = options.gain_db, options.true_peak_limit_dbtp
    check.number("gain_db", gain, -60, 60)
    if limit is not None:
        check.number("true_peak_limit_dbtp", limit, -20, 0)
    return LevelOptions(gain, limit, bool(options.measure_loudness))


def _resolve_metadata_bytes(check: Check, target: Format, options: EncoderOptions) -> int:
    size = options.metadata_bytes
    if size and not target.tags:
        check.fail("metadata_bytes", size, f"{target.name} has no tags")
    elif size and options.wav_header == MINIMAL:
        check.fail("metadata_bytes", size, "44 bytes have no room for tags")
    return check.one_of("metadata_bytes", size, range(MAX_METADATA_BYTES + 1), "audiowriter")


def _resolve_wav_header(check: Check, target: Format, header: str, channels: int, description: Description) -> str:
    """Return the kind of header, or "" for a format that is not WAV."""
    allowed = target.wav_headers
    if not header:
        return allowed[0] if allowed else ""
    if header not in allowed:
        text = f"takes {', '.join(allowed)}" if allowed else f"{target.name} has no WAV header"
        check.fail("wav_header", header, text)
    elif header == MINIMAL and description:
        check.fail("wav_header", header, "44 bytes have no room for tags and pictures: leave them out")
    elif header == MINIMAL and channels not in (1, 2):
        check.fail("wav_header", header, "44 bytes do not name the channels of more than two: takes full")
    return header


def _shown(value: object) -> object:
    return f"{value:g}" if isinstance(value, float) else value


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))
