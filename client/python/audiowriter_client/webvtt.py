"""WebVTT from the markers of a stream. W3C WebVTT, section 4."""

from collections.abc import Iterable

from audiowriter.v1.audio_writer_pb2 import Marker

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": " ", "\n": " "}


def webvtt(markers: Iterable[Marker], sample_rate_hz: int, samples: int) -> str:
    """Return a WebVTT file with one cue per marker, in the order of their positions.

    `sample_rate_hz`, `samples`: of the input. A marker without a length ends where the next one begins, or with the audio.
    Markers for a file need room in its head; any number of them fits into WebVTT, such as the times of all words.
    """
    ordered = sorted(markers, key=lambda marker: marker.position)
    starts = [min(marker.position, samples) for marker in ordered]
    lines = ["WEBVTT", ""]
    for marker, start, following in zip(ordered, starts, [*starts[1:], samples][: len(starts)], strict=True):
        end = min(start + marker.length, samples) if marker.length else following
        title = "".join(_ESCAPES.get(character, character) for character in marker.title)
        lines += [f"{_time(start, sample_rate_hz)} --> {_time(end, sample_rate_hz)}", title, ""]
    return "\n".join(lines)


def _time(samples: int, rate: int) -> str:
    seconds, ms = divmod(samples * 1000 // rate, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{ms:03d}"
