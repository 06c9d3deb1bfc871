"""Keeps what a stream has sent, so that it can be sent again to another server."""

from array import array
from contextlib import suppress
from tempfile import SpooledTemporaryFile

SPOOL_BYTES = 1024**3
"""Default limit: three hours of 48 kHz stereo in 16 bits."""

_MEMORY_BYTES = 4 * 1024**2
_WRITE_BYTES = 256 * 1024
_FLUSH_BYTES = 8
_PLACE_BYTES = 24

Place = tuple[int | None, int]
"""`position` and `channel` of a message. Without a position, it follows the message before it, of the same channel."""

NOWHERE: Place = (None, 0)


class Spool:
    """PCM, its places and its flushes. In memory at first, then in a temporary file that has no name.

    `add` what is sent. `rewind`, and then `take` while `behind`, to get the same again.
    """

    def __init__(self, limit_bytes: int) -> None:
        """`limit_bytes`: PCM, 8 bytes per flush and 24 per place. A longer stream is not kept. 0: nothing is kept."""
        self._limit_bytes = limit_bytes
        self._file: SpooledTemporaryFile[bytes] | None = None
        self._length = self._position = 0
        self._flushes, self._next_flush = array("q"), 0  # positions, and the index of the next one to take
        self._places, self._next_place = array("q"), 0  # offset, position or -1, and channel; and the next one's index
        self._last = NOWHERE
        self.complete = limit_bytes > 0
        """Whether everything that was added is still there. False after the limit, or after an error of the disk."""

    @property
    def behind(self) -> bool:
        """Whether there is something to take."""
        return self._position < self._length or self._next_flush < len(self._flushes)

    def add(self, pcm: bytes, flush: bool, place: Place = NOWHERE) -> None:
        """Append PCM at a place, and then a flush. Call it only if everything was taken."""
        if not self.complete:
            return
        if self._file is None:
            self._file = SpooledTemporaryFile(_MEMORY_BYTES, buffering=_WRITE_BYTES)  # noqa: SIM115 - close() closes it
        try:
            self._file.write(pcm)
        except OSError:  # the stream itself does not need the disk
            self.close()
            return
        if place != self._last and pcm:
            position, channel = place
            self._places.extend((self._length, -1 if position is None else position, channel))
            self._next_place = len(self._places)
            self._last = None, channel
        self._length += len(pcm)
        self._position = self._length
        if flush:
            self._flushes.append(self._length)
            self._next_flush += 1
        marks = _FLUSH_BYTES * len(self._flushes) + _PLACE_BYTES * (len(self._places) // 3)
        if self._length + marks > self._limit_bytes:
            self.close()

    def rewind(self) -> None:
        """Make everything ready to be taken once more."""
        self._position = self._next_flush = self._next_place = 0
        self._last = NOWHERE
        if self._file is not None:
            self._file.seek(0)

    def take(self, most_bytes: int) -> tuple[bytes, bool, Place]:
        """Return up to `most_bytes` of PCM of one place, whether a flush follows them, and the place. Raises OSError."""
        end, flush, place = min(self._position + most_bytes, self._length), False, self._last
        if self._next_flush < len(self._flushes) and self._flushes[self._next_flush] == self._position:
            self._next_flush += 1
            return b"", True, NOWHERE
        if self._next_place < len(self._places) and self._places[self._next_place] == self._position:
            position, channel = self._places[self._next_place + 1 : self._next_place + 3]
            place, self._last = (None if position < 0 else position, channel), (None, channel)
            self._next_place += 3
        if self._next_place < len(self._places):
            end = min(end, self._places[self._next_place])
        if self._next_flush < len(self._flushes) and self._flushes[self._next_flush] <= end:
            end, flush = self._flushes[self._next_flush], True
            self._next_flush += 1
        pcm = b"" if self._file is None else self._file.read(end - self._position)
        if len(pcm) < end - self._position:
            raise OSError("the temporary file of the stream is shorter than what was written to it")
        self._position = end
        return pcm, flush, place

    def close(self) -> None:
        """Forget everything."""
        self.complete = False
        self._length = self._position = self._next_flush = self._next_place = 0
        self._flushes, self._places = array("q"), array("q")
        if self._file is not None:
            with suppress(OSError):  # closing writes the buffer, which may fail and is not needed
                self._file.close()
            self._file = None
