"""Markers of the command: --marker TIME=TITLE, and --chapters with a WebVTT file or FFmpeg's metadata."""

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import click
from audiowriter.v1.audio_writer_pb2 import Marker
from audiowriter_client.errors import quoted
from audiowriter_core.muxers.room import MAX_METADATA_BYTES

_TIME = re.compile(r"(?:(\d{1,4}):)?(?:(\d{1,4}):)?(\d{1,9}(?:\.\d{1,9})?)")
_CUE = re.compile(r"(\S+)\s+-->\s+(\S+)")
_MARKER_BYTES = 100
"""Length of a marker in a file without its title, at most."""
_MAX_SECONDS = 10**9
"""Longer than every file. At any sample rate, such a position fits into the field of a marker."""
_ROOM_BYTES = 4096


class Place(NamedTuple):
    """A marker in seconds."""

    start: Fraction
    end: Fraction | None
    title: str

    def marker(self, rate: int) -> Marker:
        """Return the marker at this sample rate."""
        start = round(self.start * rate)
        length = 0 if self.end is None else max(1, round(self.end * rate) - start)
        return Marker(position=start, length=length, title=self.title)


def seconds(text: str) -> Fraction:
    """Return a time such as 5, 1:02.5 or 1:00:00 in seconds. Raises ValueError."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{quoted(repr(text))} is not a time: expected [[HOURS:]MINUTES:]SECONDS")
    hours, minutes = (found[1], found[2]) if found[2] else (None, found[1])
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + Fraction(found[3])


def marker_options(context: click.Context, option: click.Parameter, values: Sequence[str]) -> list[Place]:
    """Return the values of --marker."""
    places = []
    for value in values:
        time, equals, title = value.partition("=")
        if not equals:
            raise click.BadParameter(f"{quoted(repr(value))} is not a marker: expected TIME=TITLE")
        try:
            places.append(Place(seconds(time), None, title))
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return places


def chapters_option(context: click.Context, option: click.Parameter, path: Path | None) -> list[Place]:
    """Return the chapters in the file of --chapters."""
    if path is None:
        return []
    try:
        return list(read(path.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{path}: {error}") from error


def read(text: str) -> Iterator[Place]:
    """Yield the chapters of a file: the cues of WebVTT, or the [CHAPTER] sections of FFmpeg. Raises ValueError."""
    if text.startswith("WEBVTT"):
        return _webvtt(text)
    if text.startswith(";FFMETADATA"):
        return _ffmetadata(text)
    raise ValueError("neither WebVTT nor FFmpeg metadata: expected WEBVTT or ;FFMETADATA1 in the first line")


def _webvtt(text: str) -> Iterator[Place]:
    for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")):
        lines = block.strip("\n").splitlines()
        for number, line in enumerate(lines):
            if found := _CUE.match(line):
                title = re.sub("<[^>]*>", "", " ".join(lines[number + 1 :]))
                for escape, character in (("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&amp;", "&")):
                    title = title.replace(escape, character)
                yield Place(seconds(found[1]), seconds(found[2]), title)
                break


def _ffmetadata(text: str) -> Iterator[Place]:
    for section in re.split(r"^\[CHAPTER\]\s*$", text, flags=re.MULTILINE | re.IGNORECASE)[1:]:
        fields = dict(
            re.findall(r"^(\w+)=((?:\\.|[^\n\\])*)", re.split(r"^\[", section, flags=re.MULTILINE)[0], re.MULTILINE)
        )
        title = re.sub(r"\\(.)", r"\1", fields.get("title", ""))
        yield Place(_in_seconds(fields, "START"), _in_seconds(fields, "END"), title)


def _in_seconds(fields: Mapping[str, str], name: str) -> Fraction:
    """Return START or END of a [CHAPTER] in seconds. Raises ValueError."""
    if name not in fields:
        raise ValueError(f"a [CHAPTER] without {name!r}")
    try:
        found = int(fields[name]) * Fraction(fields.get("TIMEBASE", "1/1000000000"))
    except ZeroDivisionError:
        raise ValueError(f"TIMEBASE={quoted(fields['TIMEBASE'])}: expected seconds, such as 1/1000") from None
    if abs(found) > _MAX_SECONDS:
        raise ValueError(f"{name}={quoted(fields[name])}: expected at most {_MAX_SECONDS} s")
    return found


def room_bytes(places: Sequence[Place]) -> int:
    """Return the room in the head of a file that markers need, 0 for none."""
    needed = sum(_MARKER_BYTES + len(place.title.encode()) for place in places)
    return min(max(needed, _ROOM_BYTES), MAX_METADATA_BYTES) if places else 0
