"""Checks the markers of a file, and turns them into chapters."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from .checks import Check
from .description import Chapter, Marker, MarkerOptions
from .formats import Format
from .options import StreamOptions
from .tags import NOT_IN_TAGS

MAX_MARKERS = 255
"""ID3 and MP4 count chapters in one byte."""

MAX_SAMPLES = 2**40
"""Sixteen days at the highest rate. All containers can hold the times, in their own units."""

MAX_TITLE_BYTES = 255
"""MP4 has the length of a title in one byte."""

_URL = re.compile("[!-~]{0,1024}")


def resolve_markers(check: Check, target: Format, markers: MarkerOptions, before: int) -> Sequence[Marker]:
    """Return the markers. `markers`: as given to `describe`. `before`: number of earlier ones."""
    given: object = markers
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        check.fail("markers", type(given).__name__, "takes a list of markers")
        return ()
    listed = list(markers)
    if listed and not target.tags:
        check.fail("markers", f"{len(listed)} markers", f"{target.name} has no markers")
        return ()
    if before + len(listed) > MAX_MARKERS:
        check.fail("markers", f"{before + len(listed)} markers", f"audiowriter takes at most {MAX_MARKERS}")
        return ()
    return [_resolve(check, target, f"markers[{number}]", marker) for number, marker in enumerate(listed)]


def in_order(markers: Iterable[Marker]) -> tuple[Marker, ...]:
    """Return markers in the order of their positions."""
    return tuple(sorted(markers, key=lambda marker: marker.position))


def _resolve(check: Check, target: Format, field: str, given: Any) -> Marker:
    try:
        marker = Marker(given.position, given.length, given.title, given.url)
    except AttributeError:
        check.fail(field, type(given).__name__, "takes a Marker")
        return Marker(0)
    for name, value in (("position", marker.position), ("length", marker.length)):
        if not isinstance(value, int) or not 0 <= value <= MAX_SAMPLES:
            check.fail(f"{field}.{name}", value, f"takes a number of samples, 0 to {MAX_SAMPLES}")
    title, url = marker.title, marker.url
    if not isinstance(title, str) or NOT_IN_TAGS.search(title) or len(title.encode()) > MAX_TITLE_BYTES:
        check.fail(f"{field}.title", "", f"takes text of at most {MAX_TITLE_BYTES} bytes, without NUL")
    if not isinstance(url, str) or not _URL.fullmatch(url):
        check.fail(f"{field}.url", "", "takes at most 1024 printable ASCII characters without spaces, as RFC 3986 does")
    elif url and not target.container.takes_marker_urls:
        check.fail(f"{field}.url", url, f"{target.name} has no URLs of markers")
    return marker


def chapters(markers: Sequence[Marker], options: StreamOptions, samples: int | None = None) -> tuple[Chapter, ...]:
    """Return markers with their times in the file. Their length in bytes does not depend on `samples`.

    A marker without a length ends where the next one begins. `samples`: length of the audio, per channel, at the file's
    rate; None: not known yet. A marker beyond the end is moved to the end.
    """
    if not markers:
        return ()
    source, rate = options.input.sample_rate_hz, options.output.sample_rate_hz
    starts = [marker.position * rate // source for marker in markers]
    if samples is not None:
        starts = [min(start, samples) for start in starts]
    made = []
    for marker, start, following in zip(markers, starts, (*starts[1:], samples), strict=True):
        end = start if following is None else following
        if marker.length:
            end = start + marker.length * rate // source
        end = end if samples is None else min(end, samples)
        made.append(Chapter(start, end, rate, marker.title, marker.url, has_length=marker.length > 0))
    return tuple(made)
