"""AAC-LC in fragmented MP4: the codec of aac.py behind boxes of our own. ISO/IEC 14496-12, section 8.8.

The edit list skips the codec's delay. No edit list can tell the end of a movie that has not ended: the last frame stands in
a fragment of its own, as long as what is to be heard of it. Players that go by durations stop there, Media Source among
them; decoders that hand out whole frames, FFmpeg's among them, give the padding, too.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from ..containers import mp4
from ..containers.mp4_boxes import box, joined
from ..options import OutputOptions
from .aac import DELAY_SAMPLES, FRAME_SAMPLES, AacEncoder
from .base import TAGS, Finish, FormatSpec

PAGES_MS = range(20, 2001)
_FILE_TYPE = mp4.file_type(b"isom", b"isom", b"iso5", b"iso6", b"mp41")
"""The fragments need `iso6`, but AtomicParsley accepts neither that nor `iso5` as the major brand."""
_END = joined(box(b"free", bytes(8)))
"""Stands after the last fragment. When GStreamer reads from a pipe, it drops a last box of less than 16 bytes, such as an
`mdat` with one frame of silence."""


class FragmentedMp4Encoder(AacEncoder):
    """One fragment every `page_ms`, in whole frames and of one at the least.

    A fragment costs 100 bytes, and 4 for each frame: every 200 ms, 5 kbit/s.
    """

    spec: ClassVar[FormatSpec] = replace(
        AacEncoder.spec,
        name="fmp4",
        mime_type="audio/mp4",
        file_extension=".mp4",
        lookahead_samples=AacEncoder.spec.lookahead_samples + 3 * FRAME_SAMPLES,
        pages_ms=PAGES_MS,
        page_ms=200,
        tags=TAGS,
        sample_exact=True,
    )

    def __init__(self, output: OutputOptions) -> None:
        super().__init__(output)
        assert output.bitrate_bps is not None
        self._track = mp4.Track(
            sample_rate=output.sample_rate_hz,
            channels=output.channels,
            bitrate_bps=output.bitrate_bps,
            codec_header=self._codec.codec_header,
            frame_samples=FRAME_SAMPLES,
            delay_samples=DELAY_SAMPLES,
            tags=output.tags,
        )
        self._fragment_frames = max(1, output.page_ms * output.sample_rate_hz // (1000 * FRAME_SAMPLES))
        self._header_bytes = 0
        self._end_of_fragment = b""
        self._waiting: list[bytes] = []
        self._fragments = 0

    def start(self) -> bytes:
        return _FILE_TYPE + mp4.fragmented_movie(self._track)

    def flush(self) -> bytes:
        return self._close_fragment()

    def finish(self) -> Finish:
        fragments, padding = self._drain()
        return Finish(trailer=fragments and fragments + _END, padding_samples=padding)

    def _drain(self) -> tuple[bytes, int]:
        """Return the last fragments and the padding in them."""
        if not self._samples:  # a movie needs no frame
            return b"", 0
        *packets, last = self._codec.drain()
        fragments = self._frames(packets) + self._close_fragment()
        heard_of_last = DELAY_SAMPLES + self._samples - self._packets * FRAME_SAMPLES
        fragments += self._fragment([last], heard_of_last)
        return fragments, FRAME_SAMPLES - heard_of_last

    def _frames(self, packets: list[bytes]) -> bytes:
        fragments = []
        for packet in packets:
            self._waiting.append(packet)
            if len(self._waiting) == self._fragment_frames:
                fragments.append(self._close_fragment())
        return b"".join(fragments)

    def _close_fragment(self) -> bytes:
        frames, self._waiting = self._waiting, []
        return self._fragment(frames, FRAME_SAMPLES) if frames else b""

    def _fragment(self, frames: Sequence[bytes], frame_duration: int) -> bytes:
        start = self._packets * FRAME_SAMPLES
        self._packets += len(frames)
        self._fragments += 1
        return mp4.fragment(self._fragments, start, frames, frame_duration, self._header_bytes, self._end_of_fragment)
