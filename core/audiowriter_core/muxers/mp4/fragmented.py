"""AAC-LC in fragmented MP4. ISO/IEC 14496-12, section 8.8.

The edit list skips the codec's delay. It cannot cut the padding, because it is written before the length is known. The last
frame therefore has a fragment of its own, whose duration covers only the audible part. Players that follow durations, such
as Media Source Extensions, stop there. Decoders that return whole frames, such as FFmpeg, also return the padding.
"""

from collections.abc import Sequence
from typing import ClassVar

from ...codecs.base import Codec, Packet
from ...description import Description
from ...options import OutputOptions
from ..base import REPEATABLE_TAGS, TAGS, Finish, MuxerSpec
from ..room import Room
from .boxes import box, joined
from .fragments import Fragments, frames_per_fragment, track_of
from .movie import file_type, fragmented_movie
from .tags import user_data

PAGES_MS = (20, 2000)
_FILE_TYPE = file_type(b"isom", b"isom", b"iso5", b"iso6", b"mp41")
"""Fragments require the brand `iso6`, but AtomicParsley accepts neither `iso6` nor `iso5` as the major brand."""
_END = joined(box(b"free", bytes(8)))
"""Follows the last fragment. When GStreamer reads from a pipe, it drops the last box if it has less than 16 bytes, such as
an `mdat` box with one silent frame."""


class FragmentedMp4Muxer:
    """Writes one fragment every `page_ms`, in whole frames. Overhead: 100 bytes, and 4 per frame; 5 kbit/s at 200 ms."""

    spec: ClassVar[MuxerSpec] = MuxerSpec(
        tags=TAGS,
        repeatable_tags=REPEATABLE_TAGS,
        takes_pictures=True,
        pages_ms=PAGES_MS,
        page_ms=200,
        page_samples=3 * 1024,
        joinable=True,
    )

    def __init__(self, output: OutputOptions, codec: Codec) -> None:
        self._track = track_of(output, codec)
        self._reserves = output.metadata_bytes > 0
        self._room = Room(user_data, output.description, output.metadata_bytes)
        self._fragments = Fragments(codec, frames_per_fragment(output, codec))

    @property
    def samples_out(self) -> int:
        return self._fragments.samples_out

    def start(self) -> bytes:
        free = joined(box(b"free", bytes(self._room.spare))) if self._reserves else b""
        return _FILE_TYPE + fragmented_movie(self._track, self._room.content) + free

    def describe(self, description: Description) -> None:
        self._room.replace(description)

    def write(self, packets: Sequence[Packet]) -> bytes:
        return self._fragments.write(packets)

    def flush(self) -> bytes:
        return self._fragments.close()

    def finish(self, packets: Sequence[Packet], samples: int) -> Finish:
        fragments, padding = self._fragments.finish(packets, samples)
        header = self.start() if self._room.changed else b""
        return Finish(header=header, trailer=fragments and fragments + _END, padding_samples=padding)
