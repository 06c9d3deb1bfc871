"""Finds the byte of a file at which the packets of another encoder end."""

from collections.abc import Sequence

from ..codecs.base import Packet
from ..description import Description
from ..errors import ResumeMismatch
from .base import Finish, Movable, Muxer
from .room import Describable


class WatchedMuxer:
    """A muxer that takes one packet at a time, until it has written a number of samples."""

    def __init__(self, muxer: Muxer, samples: int) -> None:
        """`samples`: per channel, including the codec's delay."""
        self.spec = muxer.spec
        self._muxer, self._samples = muxer, samples
        self._bytes = 0
        self.end: int | None = None
        """Position of the byte that follows these samples. None: they are not complete yet."""

    @property
    def samples_out(self) -> int:
        return self._muxer.samples_out

    def start(self) -> bytes:
        return self._count(self._muxer.start())

    def write(self, packets: Sequence[Packet]) -> bytes:
        """Raises ResumeMismatch if the samples do not end where a page, cluster or fragment ends."""
        return b"".join([self._count(self._muxer.write([packet])) for packet in packets])

    def flush(self) -> bytes:
        return self._count(self._muxer.flush())

    def finish(self, packets: Sequence[Packet], samples: int) -> Finish:
        return self._muxer.finish(packets, samples)

    def describe(self, description: Description) -> None:
        assert isinstance(self._muxer, Describable)
        self._muxer.describe(description)

    def go_on(self, offset: int) -> None:
        """Count the bytes before `end` as `offset` bytes: the listener has that many, from another encoder."""
        if self.end is not None and isinstance(self._muxer, Movable):
            self._muxer.move(self.end, offset - self.end)

    def _count(self, data: bytes) -> bytes:
        self._bytes += len(data)
        if self.end is None and self._muxer.samples_out >= self._samples:
            if self._muxer.samples_out > self._samples:
                raise ResumeMismatch("the listener's bytes end inside a page of this encoder")
            self.end = self._bytes
        return data
