"""A parser for WebM, independent of the muxer. RFC 8794, RFC 9559."""

from collections.abc import Iterator

EBML, SEGMENT, SEEK_HEAD, SEEK, INFO, TRACKS, CUES, TAGS = (
    0x1A45DFA3, 0x18538067, 0x114D9B74, 0x4DBB, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1254C367,
)  # fmt: skip
CLUSTER, BLOCK_GROUP, BLOCK, SIMPLE_BLOCK = 0x1F43B675, 0xA0, 0xA1, 0xA3
SEEK_ID, SEEK_POSITION, TIMESTAMP_SCALE, DURATION, TIMESTAMP = 0x53AB, 0x53AC, 0x2AD7B1, 0x4489, 0xE7
CODEC_PRIVATE, CODEC_DELAY, SEEK_PRE_ROLL, DISCARD_PADDING = 0x63A2, 0x56AA, 0x56BB, 0x75A2
CUE_TIME, CUE_CLUSTER_POSITION = 0xB3, 0xF1
TAG_NAME, TAG_STRING = 0x45A3, 0x4487
VOID = 0xEC

_TRACK_ENTRY, _CUE_POINT, _CUE_TRACK_POSITIONS, _TAG, _SIMPLE_TAG = 0xAE, 0xBB, 0xB7, 0x7373, 0x67C8
_MASTERS = {
    EBML, SEGMENT, SEEK_HEAD, SEEK, INFO, TRACKS, CUES, TAGS, CLUSTER, BLOCK_GROUP,
    _TRACK_ENTRY, _CUE_POINT, _CUE_TRACK_POSITIONS, _TAG, _SIMPLE_TAG,
}  # fmt: skip


def elements(data: bytes, at: int = 0, end: int | None = None) -> Iterator[tuple[int, int, bytes]]:
    """Yield ID, position of the ID and data of every element, parents before children; fail if sizes don't fit."""
    end = len(data) if end is None else end
    while at < end:
        start = at
        id_bytes = 9 - data[at].bit_length()
        element_id = int.from_bytes(data[at : at + id_bytes], "big")
        at += id_bytes
        size_bytes = 9 - data[at].bit_length()
        all_ones = (1 << 7 * size_bytes) - 1
        size = int.from_bytes(data[at : at + size_bytes], "big") & all_ones
        at += size_bytes
        stop = end if size == all_ones else at + size
        assert stop <= end, (hex(element_id), start)
        yield element_id, start, data[at:stop]
        if element_id in _MASTERS:
            yield from elements(data, at, stop)
        at = stop


def find(data: bytes, element_id: int) -> list[bytes]:
    """Return the data of all elements with an ID."""
    return [found for found_id, _, found in elements(data) if found_id == element_id]


def number(data: bytes) -> int:
    """Return an unsigned integer from its bytes."""
    return int.from_bytes(data, "big")
