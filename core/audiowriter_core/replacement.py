"""Writes a file under a temporary name and renames it at the end, so its path never holds an incomplete file."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

_PERMISSIONS = 0o777


class Replacement:
    """The temporary file that replaces the file at a path.

    It is in the same folder, because a rename works only within a file system. Its name is short, so that it is valid
    beside every valid name. It has the permissions of the file that it replaces, from the start. A symbolic link stays a
    link, and its target is replaced.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError, whose `filename` is `path`, if the file cannot be created."""
        self._path = path.resolve()
        self._temporary = self._path.with_name(f".audiowriter-{secrets.token_hex(8)}.part")
        try:
            permissions = _permissions(self._path)
            # Created with few permissions, because the old file may be private.
            mode = 0o666 if permissions is None else 0o600
            descriptor = os.open(
                self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode
            )
        except OSError as error:
            error.filename = str(path)  # not the temporary name, which the caller does not know
            raise
        self.file: BinaryIO = os.fdopen(descriptor, "wb")
        if permissions is not None:
            with suppress(OSError):  # some file systems have no permissions
                self._temporary.chmod(permissions)

    def commit(self) -> None:
        """Close the file and rename it. When this returns, file and name survive a power failure."""
        self.file.flush()
        os.fsync(self.file.fileno())  # before the rename, or the name could survive without the content
        self.file.close()
        self._temporary.replace(self._path)
        _sync_folder(self._path.parent)

    def discard(self) -> None:
        """Close and delete the temporary file."""
        with suppress(OSError):  # closing writes the buffer, which may fail and is not needed
            self.file.close()
        self._temporary.unlink(missing_ok=True)


def is_replaceable(path: Path) -> bool:
    """Whether a path is free or a regular file. Devices and pipes must be written, not replaced.

    Follows symbolic links. /dev/fd/N is not resolved, because a pipe has no path.
    """
    try:
        return S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return True


def _permissions(path: Path) -> int | None:
    try:
        return path.stat().st_mode & _PERMISSIONS
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
