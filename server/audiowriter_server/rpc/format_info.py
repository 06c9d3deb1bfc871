"""The answer of ListFormats, from the core's table of formats."""

from collections.abc import Iterator

from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core import FORMATS, Format
from audiowriter_core.markers import MAX_MARKERS
from audiowriter_core.muxers.room import MAX_METADATA_BYTES
from audiowriter_core.pictures import MAX_PICTURE_BYTES, MIME_TYPES

from .wire import WAV_HEADERS, duration, sample_number


def list_formats() -> pb.ListFormatsResponse:
    """Return one entry per format, in the order of the AudioFormat values."""
    return pb.ListFormatsResponse(formats=[_format_info(kind) for kind in FORMATS.values()])


def _format_info(kind: Format) -> pb.FormatInfo:
    codec, container = kind.codec, kind.container
    lowest, highest = codec.bitrate_bounds
    rates = codec.sample_rates
    if isinstance(rates, range):  # min and max would iterate over all values
        rates = (rates[0], rates[-1])
    return pb.FormatInfo(
        format=pb.AudioFormat.Name(kind.number),
        name=kind.name,
        mime_type=kind.mime_type,
        file_extension=kind.file_extension,
        sample_rates_hz=() if isinstance(codec.sample_rates, range) else codec.sample_rates,
        min_sample_rate_hz=min(rates),
        max_sample_rate_hz=max(rates),
        channels=codec.channels,
        sample_formats=[sample_number(sample_type.name) for sample_type in codec.sample_types],
        min_bitrate_bps=lowest,
        max_bitrate_bps=highest,
        default_bitrate_bps_per_channel=codec.bitrate_per_channel,
        bitrates=_bitrates(kind),
        takes_vbr_quality=codec.takes_vbr_quality,
        default_vbr_quality=codec.vbr_quality,
        default_effort=codec.effort,
        default_page=duration(container.page_ms),
        min_page=duration(container.pages_ms[0]) if container.pages_ms else None,
        max_page=duration(container.pages_ms[1]) if container.pages_ms else None,
        opus_frames=filter(None, map(duration, codec.frames_ms)),
        tags=container.tags,
        repeatable_tags=container.repeatable_tags,
        lookahead_samples=kind.lookahead_samples,
        finalizes_header=container.finalizes_header,
        sample_exact=container.sample_exact,
        lossless=codec.lossless,
        picture_mime_types=MIME_TYPES if container.takes_pictures else (),
        max_picture_bytes=MAX_PICTURE_BYTES if container.takes_pictures else 0,
        max_metadata_bytes=MAX_METADATA_BYTES if container.tags else 0,
        max_markers=MAX_MARKERS if container.tags else 0,
        takes_marker_urls=container.takes_marker_urls,
        wav_headers=[WAV_HEADERS[name] for name in kind.wav_headers],
    )


def _bitrates(kind: Format) -> Iterator[pb.BitrateRange]:
    codec = kind.codec
    if codec.bitrates is None:
        return
    for rate in codec.sample_rates:
        for channels in codec.channels:
            allowed = codec.bitrates(rate, channels)
            yield pb.BitrateRange(
                sample_rate_hz=rate,
                channels=channels,
                min_bps=min(allowed[0], allowed[-1]),
                max_bps=max(allowed[0], allowed[-1]),
                values_bps=() if isinstance(allowed, range) else allowed,
            )
