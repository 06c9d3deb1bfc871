"""Groups packets into movie fragments, for both MP4 formats."""

from collections.abc import Callable, Sequence

from ...codecs.base import Codec, Packet
from ...options import OutputOptions
from .movie import Track, fragment


def track_of(output: OutputOptions, codec: Codec) -> Track:
    """Return the description of a file's only track."""
    assert output.bitrate_bps is not None
    return Track(
        sample_rate=output.sample_rate_hz,
        channels=output.channels,
        bitrate_bps=output.bitrate_bps,
        codec_header=codec.header,
        frame_samples=codec.frame_samples,
        delay_samples=codec.delay_samples,
    )


def frames_per_fragment(output: OutputOptions, codec: Codec) -> int:
    """Return how many whole frames fit into `page_ms`, at least 1."""
    return max(1, int(output.page_ms * output.sample_rate_hz // (1000 * codec.frame_samples)))


class Fragments:
    """Groups packets into fragments of `frames` packets. The last packet of the stream has a fragment of its own."""

    def __init__(
        self,
        codec: Codec,
        frames: int,
        *,
        header_bytes: int = 0,
        end: bytes = b"",
        on_fragment: Callable[[Sequence[bytes], int], None] = lambda frames, size: None,
    ) -> None:
        """`header_bytes`, `end`: see `movie.fragment`. `on_fragment`: called with the frames and bytes of each fragment."""
        self._delay_samples, self._frame_samples = codec.delay_samples, codec.frame_samples
        self._frames = frames
        self._header_bytes, self._end = header_bytes, end
        self._on_fragment = on_fragment
        self._pending: list[bytes] = []
        self._number = 0
        self.samples_out = 0
        """Samples per channel, including the delay, in the fragments so far."""

    def write(self, packets: Sequence[Packet]) -> bytes:
        """Add packets; return the fragments that are full."""
        fragments = []
        for packet in packets:
            self._pending.append(packet.data)
            if len(self._pending) == self._frames:
                fragments.append(self.close())
        return b"".join(fragments)

    def close(self) -> bytes:
        """Return the open fragment, or no bytes if it has no frames."""
        frames, self._pending = self._pending, []
        return self._fragment(frames, self._frame_samples) if frames else b""

    def finish(self, packets: Sequence[Packet], samples: int) -> tuple[bytes, int]:
        """Add the last packets; return the last fragments, and their padding in samples per channel."""
        if not samples:  # a movie may be empty
            return b"", 0
        *rest, last = packets
        fragments = self.write(rest) + self.close()
        audible = self._delay_samples + samples - self.samples_out
        return fragments + self._fragment([last.data], audible), self._frame_samples - audible

    def _fragment(self, frames: Sequence[bytes], frame_duration: int) -> bytes:
        start = self.samples_out
        self.samples_out += len(frames) * self._frame_samples
        self._number += 1
        data = fragment(self._number, start, frames, frame_duration, self._header_bytes, self._end)
        self._on_fragment(frames, len(data))
        return data
