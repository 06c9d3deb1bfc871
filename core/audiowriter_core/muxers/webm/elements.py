"""WebM with one Opus track. RFC 9559 (Matroska); Matroska's codec mappings, A_OPUS; WebM container guidelines.

While the stream runs, the size of the Segment is unknown, and Void elements reserve the room for SeekHead and Duration,
whose values are known at the end. Timestamps include the codec's delay, and CodecDelay makes players subtract it (section
5.1.4).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from struct import pack

from ...codecs.opus import GRANULE_RATE
from ..seek_points import SeekPoints
from .ebml import UNKNOWN_SIZE, VOID_BYTES, element, float64, identifier, signed, size_in_eight_bytes, text, uint, void
from .metadata import METADATA

_TICKS_PER_MS = 2
"""The delay of Opus is 6.5 ms. With the usual 1 tick per ms, Chromium rounds it to 7 ms and drops 24 samples too many."""
_NS_PER_MS = 1_000_000
_SEEK_PRE_ROLL_NS = 80_000_000
"""Audio that an Opus decoder must decode and discard after a seek. Codec mappings, A_OPUS; RFC 7845, section 4.6."""

_TRACK_NUMBER = 1
_APPLICATION = "audiowriter"
_MAX_CUES = 512
_CUE_INTERVAL_MS = 5000
"""The interval of FFmpeg's muxer. When FFmpeg seeks to a cue it drops the first block of the cluster, because it subtracts
CodecDelay from the block's time but not from the cue's: it starts up to 14 ms late. Few cues make this rare. They cost
little: between them readers decode on until they reach the target."""

_SEGMENT, _SEEK_HEAD, _INFO, _TRACKS, _CLUSTER, _CUES = (
    0x18538067, 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1F43B675, 0x1C53BB6B,
)  # fmt: skip


@dataclass(frozen=True)
class Totals:
    """Values that are known at the end of a file."""

    file_bytes: int
    cues_position: int
    """Position of the Cues in the file, in bytes."""
    duration_ms: float


@dataclass(frozen=True)
class Head:
    """All bytes before the first Cluster. Their number is the same with and without totals."""

    opus_head: bytes
    """RFC 7845, section 5.1."""
    pre_skip: int
    channels: int
    frame_ms: float
    reserves: bool

    def data(self, metadata: Mapping[int, bytes], spare: int, totals: Totals | None = None) -> bytes:
        """Return the EBML header, the header of the Segment, and its elements before the first Cluster.

        `metadata`: the elements that describe the audio. `spare`: bytes that are left after them.
        """
        head = self._ebml_header() + identifier(_SEGMENT)
        top = {_INFO: self._info(totals), _TRACKS: self._tracks(), **metadata}
        end = void(VOID_BYTES + spare) if self.reserves else b""
        seek_head_bytes = len(
            _seek_head(dict.fromkeys([_INFO, _TRACKS, *(METADATA if self.reserves else metadata), _CUES], 0))
        )
        if totals is None:
            return b"".join((head, UNKNOWN_SIZE, void(seek_head_bytes), *top.values(), end))
        start = self.segment_start
        positions, position = {}, seek_head_bytes
        for element_id, data in top.items():
            positions[element_id] = position
            position += len(data)
        positions[_CUES] = totals.cues_position - start
        size = size_in_eight_bytes(totals.file_bytes - start)
        seek_head = _seek_head(positions)
        rest = void(seek_head_bytes - len(seek_head)) if len(seek_head) < seek_head_bytes else b""
        return b"".join((head, size, seek_head, rest, *top.values(), end))

    @property
    def segment_start(self) -> int:
        """Position of the Segment's data in the file. Positions in SeekHead and Cues are relative to it."""
        return len(self._ebml_header() + identifier(_SEGMENT) + UNKNOWN_SIZE)

    def _ebml_header(self) -> bytes:
        # CodecDelay, SeekPreRoll and DiscardPadding require version 4, SimpleBlock version 2. RFC 8794, section 11.2.
        return element(
            0x1A45DFA3,
            uint(0x4286, 1),  # EBMLVersion
            uint(0x42F7, 1),  # EBMLReadVersion
            uint(0x42F2, 4),  # EBMLMaxIDLength
            uint(0x42F3, 8),  # EBMLMaxSizeLength
            text(0x4282, "webm"),  # DocType
            uint(0x4287, 4),  # DocTypeVersion
            uint(0x4285, 2),  # DocTypeReadVersion
        )

    def _info(self, totals: Totals | None) -> bytes:
        # Section 5.1.2. There is no SegmentUUID, because it would have to be random.
        duration = float64(0x4489, totals.duration_ms * _TICKS_PER_MS if totals else 0)
        return element(
            _INFO,
            uint(0x2AD7B1, _NS_PER_MS // _TICKS_PER_MS),  # TimestampScale
            text(0x4D80, _APPLICATION),  # MuxingApp
            text(0x5741, _APPLICATION),  # WritingApp
            duration if totals else void(len(duration)),
        )

    def _tracks(self) -> bytes:
        audio = 2  # section 5.1.4
        entry = element(
            0xAE,  # TrackEntry
            uint(0xD7, _TRACK_NUMBER),  # TrackNumber
            uint(0x73C5, _TRACK_NUMBER),  # TrackUID: not random, so that the same input gives the same file
            uint(0x83, audio),  # TrackType
            uint(0x9C, 0),  # FlagLacing
            text(0x22B59C, "und"),  # Language
            uint(0x23E383, int(self.frame_ms * _NS_PER_MS)),  # DefaultDuration
            text(0x86, "A_OPUS"),  # CodecID
            element(0x63A2, self.opus_head),  # CodecPrivate
            uint(0x56AA, _nanoseconds(self.pre_skip)),  # CodecDelay
            uint(0x56BB, _SEEK_PRE_ROLL_NS),  # SeekPreRoll
            element(0xE1, float64(0xB5, GRANULE_RATE), uint(0x9F, self.channels)),  # Audio: frequency and channels
        )
        return element(_TRACKS, entry)


class Cues:
    """The positions of Clusters, at most one every _CUE_INTERVAL_MS. Section 5.1.5."""

    def __init__(self) -> None:
        self._clusters = SeekPoints[tuple[float, int]](_MAX_CUES)
        self._next_ms = 0.0

    def add(self, timestamp_ms: float, position: int) -> None:
        """Add the next Cluster. `position`: in bytes, relative to the Segment's data."""
        if timestamp_ms >= self._next_ms:
            self._clusters.add((timestamp_ms, position))
            self._next_ms = timestamp_ms + _CUE_INTERVAL_MS

    def move(self, start: int, by: int) -> None:
        """Add `by` to the positions from `start` on. Of those before it, only the first is kept."""
        first, *rest = self._clusters.points
        self._clusters.points = [first, *((time, position + by) for time, position in rest if position >= start)]

    def data(self) -> bytes:
        """Return the Cues. Each entry has CueTime, and CueTrackPositions with CueTrack and CueClusterPosition."""
        return element(
            _CUES,
            *(
                element(
                    0xBB,
                    uint(0xB3, int(time * _TICKS_PER_MS)),
                    element(0xB7, uint(0xF7, _TRACK_NUMBER), uint(0xF1, position)),
                )
                for time, position in self._clusters.points
            ),
        )


def cluster(timestamp_ms: float, packets: Sequence[bytes], frame_ms: float, discarded: int = 0) -> bytes:
    """Return a Cluster of consecutive packets. Sections 5.1.3 and 10.

    `discarded`: samples, at 48 kHz, that players must drop at the end of the last packet.
    """
    step = int(frame_ms * _TICKS_PER_MS)
    blocks = [pack(">BhB", 0x80 | _TRACK_NUMBER, n * step, 0) + packet for n, packet in enumerate(packets)]
    key_frame = b"\x80"
    simple = blocks[:-1] if discarded else blocks
    elements = [element(0xA3, block[:3], key_frame, block[4:]) for block in simple]
    if discarded:  # only a BlockGroup can have DiscardPadding
        elements.append(element(0xA0, element(0xA1, blocks[-1]), signed(0x75A2, _nanoseconds(discarded))))
    return element(_CLUSTER, uint(0xE7, int(timestamp_ms * _TICKS_PER_MS)), *elements)


def _nanoseconds(samples: int) -> int:
    """Return the duration of samples at 48 kHz, rounded to nearest."""
    return (samples * 1_000_000_000 + GRANULE_RATE // 2) // GRANULE_RATE


def _seek_head(positions: Mapping[int, int]) -> bytes:
    """Return the SeekHead. Positions have eight bytes, so that its length does not depend on them. Section 5.1.1."""
    return element(
        _SEEK_HEAD,
        *(
            element(0x4DBB, element(0x53AB, identifier(element_id)), uint(0x53AC, position, 8))
            for element_id, position in positions.items()
        ),
    )
