"""The cases of the checks: all that ListFormats promises."""

from collections.abc import Iterator

from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_server.rpc.format_info import list_formats
from support.pictures import png

from lab.reference_decoders.product import Order, metadata
from lab.reference_decoders.signals import EXACT

COMMON_RATES = (8000, 16000, 24000, 44100, 48000, 96000, 192000)
"""Used together with both ends if a format supports every rate of a range."""
ODD_RATE = 12345

ROOM_BYTES = 4096
MARKERS = [
    pb.Marker(position=9_600, title="Zweitens: 世界"),
    pb.Marker(position=0, title="Erstens"),
    pb.Marker(position=14_400, length=2_400, title="Drittens"),
]
"""At 48 kHz: 0, 200 and 300 ms."""

COVER_BYTES = 70_000
"""More than an Ogg page holds."""

TAGS = {
    "title": "Grüße, 世界 🎧",
    "artist": "Ærøskøbing Quartet",
    "album": "Second Album, in Full and at Length",
    "date": "2024-05-06",
    "genre": "Speech",
    "comment": "a = b; c",
    "track": "7",
    "r128_track_gain": "-1280",
    "r128_album_gain": "256",
}


def rates(info: pb.FormatInfo) -> list[int]:
    """Return all rates of a list; of a range its ends, common rates and an odd one."""
    low, high = info.min_sample_rate_hz, info.max_sample_rate_hz
    sampled = {low, high, *(rate for rate in (*COMMON_RATES, ODD_RATE) if low <= rate <= high)}
    return sorted(info.sample_rates_hz) or sorted(sampled)


def orders() -> list[Order]:
    """Return every rate of a format with every number of channels, and every input sample format with every output one.

    In the first part the input's sample formats are used in turn. The input is converted before a codec receives it, so
    it does not have to be combined with each rate and each number of channels.
    """
    return [order for info in list_formats().formats for order in _of_format(info)]


def _of_format(info: pb.FormatInfo) -> Iterator[Order]:
    tags = {name: TAGS[name] for name in info.tags}
    inputs = EXACT
    for row, rate in enumerate(rates(info)):
        for column, channels in enumerate(info.channels):
            yield Order(
                info, rate, channels, inputs[(row + column) % len(inputs)], pb.AudioOutput(metadata=metadata(tags))
            )
    for input_format in inputs:
        for sample_format in info.sample_formats:
            yield Order(
                info, 48000, 2, input_format, pb.AudioOutput(sample_format=sample_format, metadata=metadata(tags))
            )
    if info.picture_mime_types:
        yield Order(info, 48000, 2, output=pb.AudioOutput(metadata=metadata(tags, png(length=COVER_BYTES))))
    if info.max_markers:
        # The title is replaced, and the other tags are added.
        output = pb.AudioOutput(metadata=metadata({"title": "A longer one than the last"}), metadata_bytes=ROOM_BYTES)
        later = pb.EncodeStreamRequest(metadata=metadata(tags), markers=MARKERS)
        yield Order(info, 48000, 2, output=output, later=later)
    for header in info.wav_headers[1:]:  # without tags, which have no room there
        for sample_format in info.sample_formats:
            output = pb.AudioOutput(sample_format=sample_format, wav_header=header)
            yield Order(info, 48000, 2, EXACT[0], output)
    for quality in (0, 0.5, 1) if info.takes_vbr_quality else ():
        yield Order(info, 48000, 2, output=pb.AudioOutput(vbr_quality=quality, metadata=metadata(tags)))
