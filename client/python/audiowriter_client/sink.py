"""Destinations of the file. Every sink appends bytes, and at the end replaces the header or discards the file."""

import errno
import os
import secrets
import stat
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from inspect import isawaitable
from io import BufferedIOBase, RawIOBase, TextIOBase
from pathlib import Path
from typing import BinaryIO, Protocol, cast, runtime_checkable

from audiowriter_client.errors import quoted

if sys.platform != "win32":
    import fcntl


@runtime_checkable
class Sink(Protocol):
    """Receives the bytes of one file. An object with these methods can be given to the writers as their sink.

    The methods are called on the reader's thread, or on the event loop with asyncio, one at a time. The last call is
    either `finish` or `discard`. An exception that a method raises ends the stream and is raised by the writer.
    """

    def write(self, data: bytes) -> Awaitable[None] | None:
        """Append `data`. With asyncio, this may return an awaitable, which is awaited before the next call."""
        ...

    def finish(self, header: bytes) -> None:
        """Complete the file: replace its first len(header) bytes. All bytes have been received and verified."""
        ...

    def discard(self) -> None:
        """Discard the incomplete file."""
        ...


Destination = str | os.PathLike[str] | BinaryIO | Callable[[bytes], object] | Sink
"""A path, a binary file, a callable that receives the live bytes, or a sink.

A path is replaced at the end, when the file is complete. A symbolic link stays a link, and its target is replaced. A device
or a pipe is written directly.
"""

AsyncDestination = Destination
"""The callable or the `write` of the sink may return an awaitable; no further response is read until it is done."""


class CallableSink:
    """Passes live bytes to a callable. They play without the final header, which the callable never receives."""

    def __init__(self, receive: Callable[[bytes], object]) -> None:
        self._receive = receive

    def write(self, data: bytes) -> Awaitable[None] | None:
        """Pass `data` on. Only an awaitable is returned: a method such as `file.write` returns a number."""
        returned = self._receive(data)
        return returned if isawaitable(returned) else None

    def finish(self, header: bytes) -> None:
        """Do nothing: the live header remains."""

    def discard(self) -> None:
        """Do nothing: the bytes have already been passed on."""


class FileSink:
    """Writes to a binary file from its current position. The header is replaced there if the file can seek."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = file.tell() if file.seekable() and not _appends(file) else None

    @property
    def can_seek(self) -> bool:
        """Whether the header can be replaced at the end."""
        return self._start is not None

    def write(self, data: bytes) -> None:
        """Append `data`."""
        if not isinstance(self._file, RawIOBase):
            self._file.write(data)
            return
        rest = memoryview(data)
        while rest:  # an unbuffered file may write only a part of the data
            rest = rest[self._file.write(rest) or 0 :]

    def restart(self) -> bool:
        """Remove what was written, so that the file can be written again. Returns False if that is not possible.

        It is not if the file cannot seek or be truncated, or if other bytes follow.
        """
        if self._start is None:
            return False
        end = self._file.tell()
        try:
            if self._file.seek(0, os.SEEK_END) == end:
                self._file.truncate(self._start)
                end = self._start
        except (OSError, AttributeError):
            pass
        self._file.seek(end)
        return end == self._start

    def finish(self, header: bytes) -> None:
        """Replace the header, leave the position at the end and flush."""
        if header and self._start is not None:
            end = self._file.tell()
            self._file.seek(self._start)
            self.write(header)
            self._file.seek(end)
        self._file.flush()

    def discard(self) -> None:
        """Do nothing: the file is the caller's."""


def is_live(sink: Sink) -> bool:
    """Whether somebody may listen to the bytes as they arrive. Nobody listens to a file that gets its header at the end."""
    return not (isinstance(sink, FileSink) and sink.can_seek)


def _appends(file: BinaryIO) -> bool:
    # In append mode all data is written at the end, even after a seek. After `>> file` only the descriptor has the mode.
    if "a" in str(getattr(file, "mode", "")):
        return True
    if sys.platform == "win32" or not isinstance(file, RawIOBase | BufferedIOBase):
        return False
    with suppress(OSError):  # a file in memory has no descriptor
        return bool(fcntl.fcntl(file.fileno(), fcntl.F_GETFL) & os.O_APPEND)
    return False


class OwnedFileSink(FileSink):
    """Like FileSink, and closes the file at the end."""

    def finish(self, header: bytes) -> None:
        """Replace the header and close the file."""
        super().finish(header)
        self._file.close()

    def discard(self) -> None:
        """Close."""
        # The buffered rest may not fit on the disk, and it is not needed.
        with suppress(OSError):
            self._file.close()


class PathSink(OwnedFileSink):
    """Creates or replaces a file when it is complete. Until then it has a hidden name in the same folder.

    It has the permissions of the file that it replaces, from the start. Its temporary name is short, so that it is valid
    beside every valid name.
    """

    def __init__(self, path: Path, given: str) -> None:
        """`given` is the path as the caller wrote it, for errors."""
        self._path = path
        self._given = given
        self._temporary = path.with_name(f".audiowriter-{secrets.token_hex(8)}.part")
        permissions = _permissions(path)
        # Created with few permissions, because the old file may be private.
        mode = 0o666 if permissions is None else 0o600
        descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        super().__init__(os.fdopen(descriptor, "wb"))
        if permissions is not None:
            with suppress(OSError):  # some file systems have no permissions
                self._temporary.chmod(permissions)

    def write(self, data: bytes) -> None:
        """Append `data`."""
        with _errors_name(self._given):
            super().write(data)

    def finish(self, header: bytes) -> None:
        """Complete the file and rename it to its path. When this returns, file and name survive a power failure."""
        with _errors_name(self._given):
            FileSink.finish(self, header)
            os.fsync(self._file.fileno())  # before the rename, or the name could survive without the content
            self._file.close()
            self._temporary.replace(self._path)
        _sync_folder(self._path.parent)

    def discard(self) -> None:
        """Remove the temporary file."""
        super().discard()
        self._temporary.unlink(missing_ok=True)


def _is_replaceable(path: Path) -> bool:
    """Whether a path is free or a regular file. Devices and pipes must be written, not replaced."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return True


def _permissions(path: Path) -> int | None:
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    # Folders can be opened on POSIX only, and not without permission to read them. The file is complete in any case.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _errors_name(path: str) -> Iterator[None]:
    # Errors of the system contain the resolved path, the temporary path or none.
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None


def _check_ending(given: str, path: Path) -> None:
    # pathlib ignores both: the file would have another name.
    if not given:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    if given.endswith(os.sep) and not path.is_dir():
        number = errno.ENOTDIR if path.exists() else errno.EISDIR  # as open(2)
        raise OSError(number, os.strerror(number))


def open_sink(destination: AsyncDestination) -> Sink:
    """Open the sink for a destination.

    Raises OSError, with the path as given, if a path cannot be written, TypeError for a text file or an object of another
    type, and ValueError for a path with a null byte.
    """
    if isinstance(destination, str | os.PathLike):
        given = os.fspath(destination)
        if "\0" in given:
            raise ValueError(f"sink: {quoted(repr(given))} has a null byte, which no path may contain")
        with _errors_name(given):
            path = Path(given)
            _check_ending(given, path)
            if not _is_replaceable(path):
                # Unbuffered, so that the reader of a pipe gets the bytes at once.
                return OwnedFileSink(path.open("wb", buffering=0))
            return PathSink(path.resolve(), given)  # replaces the target of a symbolic link, not the link
    if isinstance(destination, Sink):
        return destination
    if callable(destination):
        return CallableSink(destination)
    if isinstance(cast("object", destination), TextIOBase):
        raise TypeError("sink: expected a binary file, not a text file")
    if not hasattr(destination, "seekable"):
        raise TypeError(f"sink: expected a path, a binary file, a callable or a Sink, not {type(destination).__name__}")
    return FileSink(destination)
