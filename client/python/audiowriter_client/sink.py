"""Where the file goes. Every sink does three things: append, put the header in place at the end, or give up."""

import os
import secrets
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedIOBase, RawIOBase
from pathlib import Path
from typing import BinaryIO, Protocol

if sys.platform != "win32":
    import fcntl

Destination = str | os.PathLike[str] | BinaryIO | Callable[[bytes], None]
"""A path, a binary file or a callable for live bytes."""

AsyncDestination = Destination | Callable[[bytes], Awaitable[None]]
"""With asyncio the callable may be a coroutine function: what it awaits holds the stream back."""


class Sink(Protocol):
    """Takes the bytes of one file."""

    def write(self, data: bytes) -> Awaitable[None] | None:
        """Append `data`. An awaitable is to be awaited before the next call."""
        ...

    def finish(self, header: bytes) -> None:
        """Replace the first len(header) bytes: the file is whole."""
        ...

    def discard(self) -> None:
        """Give up: the file is not whole and never will be."""
        ...


class CallableSink:
    """Live bytes: they play without the final header, so the callable never gets it."""

    def __init__(self, write: Callable[[bytes], Awaitable[None] | None]) -> None:
        self.write = write

    def finish(self, header: bytes) -> None:
        """Leave the live header as it is."""

    def discard(self) -> None:
        """Leave what was handed out as it is."""


class FileSink:
    """A binary file from its present position on, which is where the header goes if the file can seek."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = file.tell() if file.seekable() and not _appends(file) else None

    def write(self, data: bytes) -> None:
        """Append `data`."""
        if not isinstance(self._file, RawIOBase):
            self._file.write(data)
            return
        rest = memoryview(data)
        while rest:  # an unbuffered file may write only a part
            rest = rest[self._file.write(rest) or 0 :]

    def finish(self, header: bytes) -> None:
        """Put the header in place, leave the position at the end and flush."""
        if header and self._start is not None:
            end = self._file.tell()
            self._file.seek(self._start)
            self.write(header)
            self._file.seek(end)
        self._file.flush()

    def discard(self) -> None:
        """Leave the file, which is the caller's, as it is."""


def _appends(file: BinaryIO) -> bool:
    # In append mode all data is written at the end, also after a seek. After `>> file` only the descriptor has this mode.
    if "a" in str(getattr(file, "mode", "")):
        return True
    if sys.platform == "win32" or not isinstance(file, RawIOBase | BufferedIOBase):
        return False
    with suppress(OSError):  # a file in memory has no descriptor
        return bool(fcntl.fcntl(file.fileno(), fcntl.F_GETFL) & os.O_APPEND)
    return False


class OwnedFileSink(FileSink):
    """A file that is closed at the end."""

    def finish(self, header: bytes) -> None:
        """Put the header in place and close."""
        super().finish(header)
        self._file.close()

    def discard(self) -> None:
        """Close."""
        # What is still in the buffer may not fit on the disk, and is not wanted.
        with suppress(OSError):
            self._file.close()


class PathSink(OwnedFileSink):
    """A file that appears under its path, whole, or not at all: until then it has a hidden name in the same folder."""

    def __init__(self, path: Path, given: str) -> None:
        """`given` is the path as the caller wrote it, for errors."""
        self._path = path
        self._given = given
        self._temporary = path.with_name(f".audiowriter-{secrets.token_hex(8)}.part")
        super().__init__(self._temporary.open("xb"))

    def write(self, data: bytes) -> None:
        """Append `data`."""
        with _errors_name(self._given):
            super().write(data)

    def finish(self, header: bytes) -> None:
        """Complete the file and move it to its path, over what was there, whose permissions it keeps."""
        with _errors_name(self._given):
            super().finish(header)
            with suppress(FileNotFoundError):
                shutil.copymode(self._path, self._temporary)
            self._temporary.replace(self._path)

    def discard(self) -> None:
        """Remove the file."""
        super().discard()
        self._temporary.unlink(missing_ok=True)


@contextmanager
def _errors_name(path: str) -> Iterator[None]:
    # Errors of the system contain the resolved path, the temporary path or none.
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None


def open_sink(destination: AsyncDestination) -> Sink:
    """Open the sink for a destination. Raises OSError where a path can't be written."""
    if isinstance(destination, str | os.PathLike):
        given = os.fspath(destination)
        with _errors_name(given):
            path = Path(given)
            if path.exists() and not path.is_file():
                return OwnedFileSink(path.open("wb"))  # a device or a pipe must not be replaced by a file
            return PathSink(path.resolve(), given)  # a link stays a link, its target is replaced
    if callable(destination):
        return CallableSink(destination)
    return FileSink(destination)
