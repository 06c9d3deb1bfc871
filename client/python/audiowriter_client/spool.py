"""Keeps what a stream has sent, so that it can be sent again to another server."""

from array import array
from contextlib import suppress
from tempfile import SpooledTemporaryFile

SPOOL_BYTES = 1024**3
"""Default limit: three hours of 48 kHz stereo in 16 bits."""

_MEMORY_BYTES = 4 * 1024**2
_WRITE_BYTES = 256 * 1024
_FLUSH_BYTES = 8


class Spool:
    """PCM and the positions of flushes. In memory at first, then in a temporary file that has no name.

    `add` what is sent. `rewind`, and then `take` while `behind`, to get the same again.
    """

    def __init__(self, limit_bytes: int) -> None:
        """`limit_bytes`: PCM and 8 bytes per flush. A longer stream is not kept. 0: nothing is kept."""
        self._limit_bytes = limit_bytes
        self._file: SpooledTemporaryFile[bytes] | None = None
        self._length = self._position = 0
        self._flushes, self._next_flush = array("q"), 0  # positions, and the index of the next one to take
        self.complete = limit_bytes > 0
        """Whether everything that was added is still there. False after the limit, or after an error of the disk."""

    @property
    def behind(self) -> bool:
        """Whether there is something to take."""
        return self._position < self._length or self._next_flush < len(self._flushes)

    def add(self, pcm: bytes, flush: bool) -> None:
        """Append PCM, and then a flush. Call it only if everything was taken."""
        if not self.complete:
            return
        if self._file is None:
            self._file = SpooledTemporaryFile(_MEMORY_BYTES, buffering=_WRITE_BYTES)  # noqa: SIM115 - close() closes it
        try:
            self._file.write(pcm)
        except OSError:  # the stream itself does not need the disk
            self.close()
            return
        self._length += len(pcm)
        self._position = self._length
        if flush:
            self._flushes.append(self._length)
            self._next_flush += 1
        if self._length + _FLUSH_BYTES * len(self._flushes) > self._limit_bytes:
            self.close()

    def rewind(self) -> None:
        """Make everything ready to be taken once more."""
        self._position = self._next_flush = 0
        if self._file is not None:
            self._file.seek(0)

    def take(self, most_bytes: int) -> tuple[bytes, bool]:
        """Return up to `most_bytes` of PCM, and whether a flush follows them. Raises OSError."""
        end, flush = min(self._position + most_bytes, self._length), False
        if self._next_flush < len(self._flushes) and self._flushes[self._next_flush] <= end:
            end, flush = self._flushes[self._next_flush], True
            self._next_flush += 1
        pcm = b"" if self._file is None else self._file.read(end - self._position)
        if len(pcm) < end - self._position:
            raise OSError("the temporary file of the stream is shorter than what was written to it")
        self._position = end
        return pcm, flush

    def close(self) -> None:
        """Forget everything."""
        self.complete = False
        self._length = self._position = self._next_flush = 0
        self._flushes = array("q")
        if self._file is not None:
            with suppress(OSError):  # closing writes the buffer, which may fail and is not needed
                self._file.close()
            self._file = None
