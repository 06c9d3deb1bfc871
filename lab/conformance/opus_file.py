"""Durations of the frames and pages of an Ogg Opus file, read from the file. RFC 6716, section 3.1; RFC 7845, section 4."""

from collections.abc import Iterator
from itertools import pairwise

from support.ogg import Page, pages

GRANULES_PER_MS = 48
"""Granule positions of Opus count samples at 48 kHz, whatever the rate of the input."""
_SILK_MS, _HYBRID_MS, _CELT_MS = (10, 20, 40, 60), (10, 20), (2.5, 5, 10, 20)


def durations_ms(file: bytes) -> tuple[set[float], set[float]]:
    """Return the durations of the frames, and those of the pages. The last page is left out, because it may be shorter."""
    _, _, *audio = pages(file)
    frames = {_frame_ms(packet[0]) for page in audio for packet in _packets(page)}
    positions = [0, *(page.granule_position for page in audio[:-1])]
    return frames, {(end - start) / GRANULES_PER_MS for start, end in pairwise(positions)}


def _frame_ms(toc: int) -> float:
    config = toc >> 3
    if config < 12:
        return _SILK_MS[config % 4]
    return _HYBRID_MS[config % 2] if config < 16 else _CELT_MS[config % 4]


def _packets(page: Page) -> Iterator[bytes]:
    start = end = 0
    for size in page.segments:
        end += size
        if size < 255:
            yield page.body[start:end]
            start = end
