"""AAC-LC in MP4 (M4A). An edit list gives the exact length. ISO/IEC 14496-12 and 14496-14.

While the stream runs, the file is a fragmented movie. After the last fragment comes a `free` box that contains a second
movie, which lists every frame. The final header turns the first movie, all fragments and the header of this `free` box into
one `mdat` box. Then the second movie is the only one:

    live      ftyp  free       moov  (moof  mdat)*  free [ moov ]
    finished  ftyp  free  mdat [ .................  .... ]  moov

In the finished file, each frame begins where the previous one ends, because faad and other simple readers use only the
sizes of frames. The first frame of a fragment therefore includes the fragment's header. To make decoders skip the header,
the previous fragment ends with a few bytes that turn it into a data stream element of AAC. While the stream runs, these
bytes belong to no frame.

Below 4 GiB the finished file has 32-bit sizes and offsets and version 0 of every box, because some readers support nothing
else. Chromium and FFmpeg 9 cut both ends of the finished file exactly. FFmpeg 5 and PyAV return the whole last frame.
"""

from collections.abc import Sequence
from typing import ClassVar

from ...codecs.base import Codec, Packet
from ...description import Description
from ...options import OutputOptions
from ..base import REPEATABLE_TAGS, TAGS, Finish, MuxerSpec
from .aac_elements import data_stream_header
from .boxes import HEADER_BYTES, MEDIA_HEADER_BYTES, box, joined, media_header
from .fragmented import PAGES_MS
from .fragments import Fragments, frames_per_fragment, track_of
from .movie import SampleTable, file_type, fragment_header_bytes, fragmented_movie, movie
from .tags import user_data

_FILE_TYPE = file_type(b"M4A ", b"M4A ", b"mp42", b"iso6")
_PLACEHOLDER = joined(box(b"free", bytes(MEDIA_HEADER_BYTES - HEADER_BYTES)))
_MAX_FRAMES = 102
"""Maximum number of frames in a fragment: its header must fit into one data stream element."""


class M4aMuxer:
    """Keeps the size of each frame, 169 kB per hour at 24 kHz and 338 kB at 48 kHz, and one byte per fragment.

    Fragments are longer than in the streaming format, because latency matters less. At 500 ms their overhead is 2 kbit/s.
    """

    spec: ClassVar[MuxerSpec] = MuxerSpec(
        tags=TAGS,
        repeatable_tags=REPEATABLE_TAGS,
        takes_pictures=True,
        describes_at_end=True,
        pages_ms=PAGES_MS,
        page_ms=500,
        page_samples=10 * 1024,
        finalizes_header=True,
    )

    def __init__(self, output: OutputOptions, codec: Codec) -> None:
        self._track = track_of(output, codec)
        self._description = self._first_description = output.description
        frames = min(frames_per_fragment(output, codec), _MAX_FRAMES)
        header_bytes = fragment_header_bytes(frames)
        end = data_stream_header(header_bytes)
        head = self.start()
        self._bytes = len(head)
        self._table = SampleTable(self._track, len(head) + header_bytes, len(end) + header_bytes)
        self._fragments = Fragments(codec, frames, header_bytes=header_bytes, end=end, on_fragment=self._add)

    @property
    def samples_out(self) -> int:
        return self._fragments.samples_out

    def start(self) -> bytes:
        return _FILE_TYPE + _PLACEHOLDER + fragmented_movie(self._track, user_data(self._first_description))

    def describe(self, description: Description) -> None:
        self._description = description

    def write(self, packets: Sequence[Packet]) -> bytes:
        return self._fragments.write(packets)

    def flush(self) -> bytes:
        return self._fragments.close()

    def finish(self, packets: Sequence[Packet], samples: int) -> Finish:
        fragments, padding = self._fragments.finish(packets, samples)
        finished_movie = movie(self._track, self._table, samples, user_data(self._description))
        media_bytes = self._bytes - len(_FILE_TYPE) - MEDIA_HEADER_BYTES + HEADER_BYTES  # of the last `free` box
        return Finish(
            header=_FILE_TYPE + media_header(media_bytes),
            tail=[fragments, *box(b"free", finished_movie)],
            padding_samples=padding,
        )

    def _add(self, frames: Sequence[bytes], size: int) -> None:
        self._table.add(frames)
        self._bytes += size
