"""Messages that a checking program may print about a correct file, each with a reason. All other messages are faults."""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Tolerated:
    """A message that is not a fault of the file."""

    judge: str
    formats: tuple[str, ...]
    pattern: str
    reason: str


WAVE = ("wav", "wav-mulaw", "wav-alaw")
RAW = ("pcm", "mulaw", "alaw")

TOLERATED = (
    Tolerated("ffmpeg", (*WAVE, *RAW), "Guessed Channel Layout", "without a channel mask FFmpeg has to guess"),
    Tolerated("ffmpeg", ("aac", *RAW), "Estimating duration from bitrate", "none of them has a duration"),
    Tolerated("ffprobe", ("aac",), "Estimating duration from bitrate", "ADTS has no duration"),
    Tolerated("mpv", ("aac",), "Estimating duration from bitrate", "ADTS has no duration"),
    *(
        Tolerated(
            judge,
            WAVE,
            "Discarding ID3 tags because more suitable tags were found",
            "INFO has the same tags; FFmpeg prints this also about files edited by TagLib",
        )
        for judge in ("ffmpeg", "ffprobe", "mpv")
    ),
    *(
        Tolerated(
            judge,
            ("m4a", "fmp4"),
            "stream 0, timescale not set",
            "FFmpeg 5 prints this about each cover in MP4, also about files edited by AtomicParsley",
        )
        for judge in ("ffmpeg", "ffmpeg_live", "ffprobe", "mpv")
    ),
    Tolerated(
        "mkvmerge",
        ("vorbis", "opus"),
        "contains chapters|mkvmerge ended with 1$",
        "unless an option names it, it guesses the character set of chapters in Ogg; all comments there are UTF-8",
    ),
    Tolerated(
        "ffmpeg_live",
        WAVE,
        "Invalid PCM packet, data has size 1 |Error while decoding stream .* Invalid data",
        "the pad byte after an odd data chunk: without the header it looks like a sample",
    ),
    Tolerated(
        "gstreamer",
        ("mp3",),
        "gst_audio_decoder_allocate_output_buffer: assertion 'size > 0' failed",
        "the codec's delay is longer than a frame, so the LAME tag skips a whole frame; also with lame's own files",
    ),
    Tolerated(
        "sox",
        WAVE,
        "wave header missing extended part of fmt chunk",
        "sox prints this also about its own files with float in WAVE_FORMAT_EXTENSIBLE: it expects a second extension",
    ),
)


def complaints(judge: str, format_name: str, text: str) -> Iterator[str]:
    """Return the lines of a program's output that are not tolerated."""
    for line in text.splitlines():
        if line.strip() and not any(_covers(tolerated, judge, format_name, line) for tolerated in TOLERATED):
            yield line.strip()


def _covers(tolerated: Tolerated, judge: str, format_name: str, line: str) -> bool:
    return tolerated.judge == judge and format_name in tolerated.formats and bool(re.search(tolerated.pattern, line))
