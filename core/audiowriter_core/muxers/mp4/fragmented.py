"""AAC-LC in fragmented MP4. ISO/IEC 14496-12, section 8.8.

The edit list skips the codec's delay. It cannot say where a movie ends that has not ended yet, so the last frame is in a
fragment of its own, and its duration covers only the audible part. Players that use durations, such as Media Source, stop
there; decoders that return whole frames, such as FFmpeg's, return the padding as well.
"""

from collections.abc import Sequence
from typing import ClassVar

from ...codecs.base import Codec, Packet
from ...options import OutputOptions
from ..base import TAGS, Finish, MuxerSpec
from .boxes import box, joined
from .fragments import Fragments, frames_per_fragment, track_of
from .movie import file_type, fragmented_movie

PAGES_MS = range(20, 2001)
_FILE_TYPE = file_type(b"isom", b"isom", b"iso5", b"iso6", b"mp41")
"""The fragments need `iso6`, but AtomicParsley accepts neither that nor `iso5` as the major brand."""
_END = joined(box(b"free", bytes(8)))
"""Follows the last fragment. When GStreamer reads from a pipe, it drops a last box of less than 16 bytes, such as an
`mdat` with one frame of silence."""


class FragmentedMp4Muxer:
    """One fragment every `page_ms`, in whole frames. It costs 100 bytes and 4 per frame: every 200 ms, 5 kbit/s."""

    spec: ClassVar[MuxerSpec] = MuxerSpec(tags=TAGS, pages_ms=PAGES_MS, page_ms=200, page_samples=3 * 1024)

    def __init__(self, output: OutputOptions, codec: Codec) -> None:
        self._track = track_of(output, codec)
        self._fragments = Fragments(codec, frames_per_fragment(output, codec))

    @property
    def samples_out(self) -> int:
        return self._fragments.samples_out

    def start(self) -> bytes:
        return _FILE_TYPE + fragmented_movie(self._track)

    def write(self, packets: Sequence[Packet]) -> bytes:
        return self._fragments.write(packets)

    def flush(self) -> bytes:
        return self._fragments.close()

    def finish(self, packets: Sequence[Packet], samples: int) -> Finish:
        fragments, padding = self._fragments.finish(packets, samples)
        return Finish(trailer=fragments and fragments + _END, padding_samples=padding)
