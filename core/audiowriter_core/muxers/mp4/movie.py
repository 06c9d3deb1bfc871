"""MP4 with one AAC track: file type, movie and fragments. Sections are those of ISO/IEC 14496-12:2015.

The timescale of movie and track is the sample rate, so durations and the edit list count samples. The edit list skips the
codec's delay, and the duration of the last frame covers only its audible part.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from struct import pack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .boxes import Box, box, full_box, joined
from .sample_entry import mp4a

TRACK_ID = 1
_CHUNKS_AT_ONCE = 4096
_UNITY = 0x00010000
_MATRIX = pack(">9I", _UNITY, 0, 0, 0, _UNITY, 0, 0, 0, 0x40000000)
_SYNC_SAMPLE = 0x02000000
"""Sample flags: does not depend on other samples."""
_FRAGMENT_HEADER_BYTES = 100
"""The moof box without the frame sizes, and the header of the mdat box."""
_HEADER_BYTES_PER_FRAME = 4


@dataclass(frozen=True)
class Track:
    """The only track of a file."""

    sample_rate: int
    channels: int
    bitrate_bps: int
    codec_header: bytes
    """AudioSpecificConfig, ISO/IEC 14496-3, section 1.6.2.1."""
    frame_samples: int
    delay_samples: int


class SampleTable:
    """The sizes of all frames, which the finished movie lists. Grows by 2 bytes per frame and 1 byte per fragment."""

    def __init__(self, track: Track, first_frame: int, gap_bytes: int) -> None:
        """`first_frame`: position of the first frame in the file.

        `gap_bytes`: number of bytes between the frames of two fragments. They count as a part of the following frame.
        """
        self._track = track
        self._first_frame = first_frame
        self._gap_bytes = gap_bytes
        self._sizes = array("H")  # an AAC frame has at most 6144 bits per channel
        self._frames_of_fragments = array("B")

    def add(self, frames: Sequence[bytes]) -> None:
        """Add the next fragment, of at most 255 frames."""
        first = len(self._sizes)
        self._sizes.extend(map(len, frames))
        if first:
            self._sizes[first] += self._gap_bytes
        self._frames_of_fragments.append(len(frames))

    def boxes(self, last_duration: int) -> Box:
        """Return the time, chunk and size tables, sections 8.6.1.2 and 8.7, and the roll group. A fragment is a chunk."""
        sizes = np.frombuffer(self._sizes, np.uint16)
        durations = [(len(sizes) - 1, self._track.frame_samples), (1, last_duration)] if len(sizes) else []
        runs = _Runs(np.frombuffer(self._frames_of_fragments, np.uint8))
        offsets = self._offsets(sizes)
        stco, field = (b"stco", ">u4") if not len(offsets) or offsets[-1] < 2**32 else (b"co64", ">u8")
        return (
            full_box(b"stts", 0, 0, pack(">I", len(durations)), *(pack(">II", *entry) for entry in durations))
            + full_box(b"stsc", 0, 0, pack(">I", runs.count), runs)
            + full_box(b"stsz", 0, 0, pack(">II", 0, len(sizes)), _Table(sizes, ">u4"))
            + full_box(stco, 0, 0, pack(">I", len(offsets)), _Table(offsets, field))
            + _roll_group(len(sizes))
        )

    def _offsets(self, sizes: NDArray[np.uint16]) -> NDArray[np.int64]:
        """Return the positions of the chunks. Each chunk begins where the previous one ends."""
        frames = np.frombuffer(self._frames_of_fragments, np.uint8).astype(np.int64)
        starts = np.cumsum(frames) - frames
        chunks = np.empty_like(frames)
        for first in range(0, len(frames), _CHUNKS_AT_ONCE):  # because reduceat converts its whole input to int64
            part = slice(first, first + _CHUNKS_AT_ONCE)
            begin, end = starts[first], (starts[part] + frames[part])[-1]
            chunks[part] = np.add.reduceat(sizes[begin:end], starts[part] - begin, dtype=np.int64)
        return self._first_frame + np.cumsum(chunks) - chunks


def file_type(major: bytes, *compatible: bytes) -> bytes:
    """Return the ftyp box with its brands. Section 4.3."""
    return joined(box(b"ftyp", major, bytes(4), *compatible))


def fragmented_movie(track: Track, user_data: bytes = b"") -> bytes:
    """Return the movie box before the fragments. It has no frames. Its edit duration of 0 means "until the end".

    Sections 8.2.1, 8.6.6 and 8.8.
    """
    no_frames = SampleTable(track, 0, 0).boxes(0)
    trex = full_box(b"trex", 0, 0, pack(">IIIII", TRACK_ID, 1, 0, 0, _SYNC_SAMPLE))
    return joined(_movie(track, 0, 0, no_frames, user_data, box(b"mvex", trex)))


def movie(track: Track, table: SampleTable, samples: int, user_data: bytes = b"") -> Box:
    """Return the movie box with all frames. `samples`: audible samples per channel. Section 8.2.1."""
    media_samples = track.delay_samples + samples if samples else 0  # an empty movie has no frames
    return _movie(track, samples, media_samples, table.boxes((media_samples - 1) % track.frame_samples + 1), user_data)


def fragment_header_bytes(frames: int) -> int:
    """Return the number of bytes before the first frame of a fragment."""
    return _FRAGMENT_HEADER_BYTES + _HEADER_BYTES_PER_FRAME * frames


def fragment(
    number: int, start: int, frames: Sequence[bytes], frame_duration: int, header_bytes: int = 0, end: bytes = b""
) -> bytes:
    """Return a fragment with its header. Section 8.8.

    `start`: of the first frame, in samples. `frame_duration`: of each frame, in samples. `header_bytes`: the length to which
    the header is padded. `end`: bytes after the last frame that belong to no frame.
    """
    default_base_is_moof, default_duration = 0x020000, 0x08
    data_offset, sample_size = 0x01, 0x200
    padding = max(0, header_bytes - fragment_header_bytes(len(frames)))
    moof = box(
        b"moof",
        full_box(b"mfhd", 0, 0, pack(">I", number)),
        box(
            b"traf",
            full_box(b"tfhd", 0, default_base_is_moof | default_duration, pack(">II", TRACK_ID, frame_duration)),
            full_box(b"tfdt", 1, 0, pack(">Q", start)),
            full_box(
                b"trun",
                0,
                data_offset | sample_size,
                pack(">Ii", len(frames), fragment_header_bytes(len(frames)) + padding),
                *(pack(">I", len(frame)) for frame in frames),
            ),
        ),
    )
    return joined(moof + box(b"mdat", bytes(padding), *frames, end))


def _movie(
    track: Track, samples: int, media_samples: int, table: Box, user_data: bytes, extends: bytes | Box = b""
) -> Box:
    # faad and AtomicParsley only read version 0, whose durations have 32 bits. Its largest value means "unknown".
    version, width = (0, "I") if max(samples, media_samples) < 2**32 - 1 else (1, "Q")
    times = pack(f">2{width}", 0, 0)  # creation and modification: 0, so that the same input gives the same file
    mvhd = full_box(
        b"mvhd",
        version,
        0,
        times,
        pack(f">I{width}IH10x", track.sample_rate, samples, _UNITY, 0x0100),
        _MATRIX,
        bytes(24),
        pack(">I", TRACK_ID + 1),
    )
    enabled_in_movie = 3
    tkhd = full_box(
        b"tkhd",
        version,
        enabled_in_movie,
        times,
        pack(f">I4x{width}8xHHH2x", TRACK_ID, samples, 0, 0, 0x0100),
        _MATRIX,
        bytes(8),
    )
    # Section 8.6.6. The only edit begins after the codec's delay.
    edit = full_box(b"elst", version, 0, pack(f">I2{width}I", 1, samples, track.delay_samples, _UNITY))
    undetermined = 0x55C4  # language "und", 5 bits per letter
    media_box = box(
        b"mdia",
        full_box(b"mdhd", version, 0, times, pack(f">I{width}HH", track.sample_rate, media_samples, undetermined, 0)),
        full_box(b"hdlr", 0, 0, pack(">4x4s12x", b"soun"), b"SoundHandler\0"),
        box(
            b"minf",
            full_box(b"smhd", 0, 0, bytes(4)),
            box(b"dinf", full_box(b"dref", 0, 0, pack(">I", 1), full_box(b"url ", 0, 1))),  # 1: media in this file
            box(b"stbl", _sample_description(track), table),
        ),
    )
    trak = box(b"trak", tkhd, box(b"edts", edit), media_box)
    return box(b"moov", mvhd, trak, extends, user_data)


def _sample_description(track: Track) -> Box:
    entry = mp4a(track.sample_rate, track.channels, track.bitrate_bps, track.codec_header)
    return full_box(b"stsd", 0, 0, pack(">I", 1), entry)


class _Table:
    """Integers as big-endian fields, built slice by slice."""

    def __init__(self, values: NDArray[Any], field: str) -> None:
        self._values = values
        self._field = np.dtype(field)

    def __len__(self) -> int:
        return len(self._values) * self._field.itemsize

    def __getitem__(self, part: slice, /) -> bytes:
        """Return some of the bytes. `part` must consist of whole fields."""
        start, stop, _ = part.indices(len(self))
        size = self._field.itemsize
        return self._values[start // size : stop // size].astype(self._field).tobytes()


class _Runs:
    """The entries of the stsc box: first chunk, frames per chunk, sample description. Built slice by slice."""

    _ENTRY_BYTES = 12

    def __init__(self, frames: NDArray[np.uint8]) -> None:
        """`frames`: of each chunk."""
        self._frames = frames
        changes = np.flatnonzero(frames[1:] != frames[:-1]) + 1
        self._first = np.concatenate(([0], changes) if len(frames) else (changes,)).astype(np.uint32)
        self.count = len(self._first)

    def __len__(self) -> int:
        return self.count * self._ENTRY_BYTES

    def __getitem__(self, part: slice, /) -> bytes:
        start, stop, _ = part.indices(len(self))
        entry, skipped = divmod(start, self._ENTRY_BYTES)
        first = self._first[entry : -(-stop // self._ENTRY_BYTES)]
        entries = np.stack((first + 1, self._frames[first], np.ones_like(first)), axis=1)
        return entries.astype(">u4").tobytes()[skipped : skipped + stop - start]


def _roll_group(count: int) -> Box:
    """Return the boxes that tell decoders to start one frame early after a seek. Sections 8.9.2, 8.9.3 and 10.1."""
    if not count:
        return []
    return full_box(b"sgpd", 1, 0, pack(">4sIIh", b"roll", 2, 1, -1)) + full_box(
        b"sbgp", 0, 0, pack(">4sIII", b"roll", 1, count, 1)
    )
