"""A parser for MP4, independent of the muxer. ISO/IEC 14496-12."""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import iter_unpack, unpack_from

_PARENTS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"mvex", b"moof", b"traf"}


@dataclass(frozen=True)
class Box:
    kind: bytes
    start: int
    """Position of the box in the file, in bytes."""
    data: bytes


def boxes(data: bytes, start: int = 0) -> Iterator[Box]:
    """Return the boxes of a file or of a parent; fail if their sizes don't fit."""
    at = 0
    while at < len(data):
        size, kind = unpack_from(">I4s", data, at)
        header = 8
        if size == 1:
            (size,), header = unpack_from(">Q", data, at + 8), 16
        assert header <= size <= len(data) - at, (kind, size)
        yield Box(kind, start + at, data[at + header : at + size])
        at += size


def find(box: Box, *path: str) -> bytes:
    """Return the data of the box at this path."""
    for kind in path:
        assert box.kind in _PARENTS, box.kind
        (box,) = (child for child in boxes(box.data) if child.kind == kind.encode())
    return box.data


def has(box: Box, kind: str) -> bool:
    return any(child.kind == kind.encode() for child in boxes(box.data))


def full(box: Box, *path: str) -> bytes:
    """Like `find`, without version and flags."""
    return find(box, *path)[4:]


@dataclass(frozen=True)
class Fragment:
    start_sample: int
    frame_duration: int
    frames: list[bytes]


def fragments(file: bytes) -> list[Fragment]:
    """Return every fragment, with its frames read from the offsets in its trun."""
    found = []
    for box in boxes(file):
        if box.kind == b"moof":
            (start_sample,) = unpack_from(">Q", full(box, "traf", "tfdt"))
            _, frame_duration = unpack_from(">II", full(box, "traf", "tfhd"))
            trun = full(box, "traf", "trun")
            count, offset = unpack_from(">Ii", trun)
            sizes = [size for (size,) in iter_unpack(">I", trun[8:])]
            assert len(sizes) == count
            found.append(Fragment(start_sample, frame_duration, list(cut(file, box.start + offset, sizes))))
    return found


def frames(file: bytes, moov: Box) -> list[bytes]:
    """Return every frame that a movie lists, read from the offsets of its chunks."""
    stbl = Box(b"stbl", 0, find(moov, "trak", "mdia", "minf", "stbl"))
    sizes = [size for (size,) in iter_unpack(">I", full(stbl, "stsz")[8:])]
    kind, field = ("stco", ">I") if has(stbl, "stco") else ("co64", ">Q")
    offsets = [offset for (offset,) in iter_unpack(field, full(stbl, kind)[4:])]
    runs = list(iter_unpack(">III", full(stbl, "stsc")[4:]))
    counts = [max(run for run in runs if run[0] <= chunk)[1] for chunk in range(1, len(offsets) + 1)]
    assert sum(counts) == len(sizes)
    found: list[bytes] = []
    for offset, count in zip(offsets, counts, strict=True):
        found += cut(file, offset, sizes[len(found) : len(found) + count])
    return found


def cut(file: bytes, at: int, sizes: list[int]) -> Iterator[bytes]:
    for size in sizes:
        yield file[at : at + size]
        at += size


def movie(file: bytes) -> Box:
    (found,) = (box for box in boxes(file) if box.kind == b"moov")
    return found


def without_data_stream(frame: bytes) -> bytes:
    """Return an AAC frame without the data stream element before its audio. ISO/IEC 14496-3:2009, table 4.10."""
    if frame[0] >> 5 != 4:
        return frame
    size, header = (frame[1], 2) if frame[1] < 255 else (255 + frame[2], 3)
    return frame[header + size :]
