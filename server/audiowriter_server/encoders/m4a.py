"""AAC-LC in MP4, exact to the sample through the edit list. ISO/IEC 14496-12 and 14496-14.

The live stream is a fragmented movie. After the last fragment comes a `free` box with a second movie, which lists every
frame. The finished header makes one `mdat` of the first movie, all fragments and the header of that `free` box, so that the
second movie becomes the only one:

    live      ftyp  free       moov  (moof  mdat)*  free [ moov ]
    finished  ftyp  free  mdat [ .................  .... ]  moov

In the finished file each frame begins where the one before it ends, because faad and other simple readers only look at the
sizes of frames. The bytes between two fragments, which are the header of the second one, count as a part of its first frame.
Each fragment ends with a few bytes that turn them into a data stream element of AAC, which decoders skip. Live, these bytes
belong to no frame.

Below 4 GiB the finished file has 32-bit sizes and offsets and version 0 of every box, because some readers know no other.
Chromium and FFmpeg 9 cut both ends of the finished file to the sample; FFmpeg 5 and PyAV play its last frame out.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from ..containers import mp4
from ..containers.aac_elements import data_stream_header
from ..containers.mp4_boxes import HEADER_BYTES, MEDIA_HEADER_BYTES, box, joined, media_header
from ..options import OutputOptions
from .aac import FRAME_SAMPLES
from .base import Finish, FormatSpec
from .fragmented_mp4 import FragmentedMp4Encoder

_PLACEHOLDER = joined(box(b"free", bytes(MEDIA_HEADER_BYTES - HEADER_BYTES)))
_MOST_FRAMES = 102
"""In a fragment, so that its header fits into one data stream element."""


class M4aEncoder(FragmentedMp4Encoder):
    """Remembers the size of each frame: 169 kB an hour at 24 kHz, 338 kB at 48 kHz, and a byte a fragment.

    Longer fragments than those of the streaming format, for nobody has to wait for a file: every 500 ms costs 2 kbit/s.
    """

    spec: ClassVar[FormatSpec] = replace(
        FragmentedMp4Encoder.spec,
        name="m4a",
        file_extension=".m4a",
        lookahead_samples=FragmentedMp4Encoder.spec.lookahead_samples + 7 * FRAME_SAMPLES,
        page_ms=500,
        finalizes_header=True,
    )

    def __init__(self, output: OutputOptions) -> None:
        super().__init__(output)
        self._file_type = mp4.file_type(b"M4A ", b"M4A ", b"mp42", b"iso6")
        self._fragment_frames = min(self._fragment_frames, _MOST_FRAMES)
        self._header_bytes = mp4.fragment_header_bytes(self._fragment_frames)
        self._end_of_fragment = data_stream_header(self._header_bytes)
        head = self.start()
        self._bytes = len(head)
        gap_bytes = len(self._end_of_fragment) + self._header_bytes
        self._table = mp4.SampleTable(self._track, len(head) + self._header_bytes, gap_bytes)

    def start(self) -> bytes:
        return self._file_type + _PLACEHOLDER + mp4.fragmented_movie(self._track)

    def finish(self) -> Finish:
        fragments, padding = self._drain()
        movie = mp4.movie(self._track, self._table, self._samples)
        media_bytes = self._bytes - len(self._file_type) - MEDIA_HEADER_BYTES + HEADER_BYTES  # of the last `free` box
        return Finish(
            header=self._file_type + media_header(media_bytes),
            tail=[fragments, *box(b"free", movie)],
            padding_samples=padding,
        )

    def _fragment(self, frames: Sequence[bytes], frame_duration: int) -> bytes:
        fragment = super()._fragment(frames, frame_duration)
        self._table.add(frames)
        self._bytes += len(fragment)
        return fragment
