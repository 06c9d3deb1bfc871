"""Lets a reader look at the next bytes of a pipe before it reads them."""

import os
import select
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from typing import IO

from audiowriter_cli.audio import BLOCK_BYTES


class LookAhead:
    """An unbuffered binary file with `peek`. `read` does not wait until a block is full."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._ahead = b""

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes without consuming them, or fewer at the end. Blocks until they are available."""
        while len(self._ahead) < size and (more := self._file.read(size - len(self._ahead))):
            self._ahead += more
        return self._ahead[:size]

    def replace(self, offset: int, data: bytes) -> None:
        """Replace bytes that `peek` has returned."""
        self._ahead = self._ahead[:offset] + data + self._ahead[offset + len(data) :]

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes, as soon as any are available. Returns no bytes at the end."""
        if not self._ahead:
            return self._file.read(size)
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        return data

    def ready(self) -> bool:
        """Whether `read` would return without waiting."""
        return bool(self._ahead or select.select([self._file], [], [], 0)[0])

    def skip(self, size: int) -> None:
        """Discard `size` bytes."""
        while size > 0 and (data := self.read(min(size, BLOCK_BYTES))):
            size -= len(data)

    @contextmanager
    def rest(self) -> Iterator["Rest | IO[bytes]"]:
        """Yield the unread part as a file that can seek: the file itself if it can, otherwise a copy on disk."""
        if self._file.seekable():
            yield Rest(self._file, self._file.tell() - len(self._ahead))
            return
        with tempfile.TemporaryFile() as copy:
            while data := self.read(BLOCK_BYTES):
                copy.write(data)
            copy.seek(0)
            yield copy


class Rest:
    """The part of a file from `start` on. Positions are relative to `start`."""

    def __init__(self, file: FileIO, start: int) -> None:
        self._file = file
        self._start = start
        self.seek(0)

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes."""
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position and return it."""
        return self._file.seek(offset + self._start * (whence == os.SEEK_SET), whence) - self._start

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell() - self._start
