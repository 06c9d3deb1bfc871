"""The table of formats as the answer of ListFormats."""

from collections.abc import Sequence

from audiowriter.v1 import audio_writer_pb2 as pb

from .encoders import ENCODERS
from .encoders.base import FormatSpec
from .samples import SAMPLE_TYPES

_NUMBERS = {kind: number for number, kind in SAMPLE_TYPES.items()}


def list_formats() -> pb.ListFormatsResponse:
    """One entry a format, in the order of the AudioFormat values."""
    return pb.ListFormatsResponse(formats=[_info(number, ENCODERS[number].spec) for number in sorted(ENCODERS)])


def _info(number: int, spec: FormatSpec) -> pb.FormatInfo:
    lowest, highest = spec.bitrate_bounds
    rates = spec.sample_rates
    if isinstance(rates, range):  # min and max would look at each of a million
        rates = (rates[0], rates[-1])
    return pb.FormatInfo(
        format=pb.AudioFormat.Name(number),
        name=spec.name,
        mime_type=spec.mime_type,
        file_extension=spec.file_extension,
        sample_rates_hz=_each(spec.sample_rates),
        min_sample_rate_hz=min(rates),
        max_sample_rate_hz=max(rates),
        channels=spec.channels,
        sample_formats=[pb.SampleFormat.Name(_NUMBERS[kind]) for kind in spec.sample_types],
        min_bitrate_bps=lowest,
        max_bitrate_bps=highest,
        default_bitrate_bps_per_channel=spec.bitrate_per_channel,
        vbr_quality=spec.takes_vbr_quality,
        default_vbr_quality=spec.vbr_quality,
        default_effort=spec.effort,
        default_page_ms=spec.page_ms,
        tags=spec.tags,
        lookahead_samples=spec.lookahead_samples,
        finalizes_header=spec.finalizes_header,
        sample_exact=spec.sample_exact,
        lossless=spec.lossless,
    )


def _each(values: Sequence[int]) -> Sequence[int]:
    """A range stands for itself through its ends."""
    return () if isinstance(values, range) else values
