"""open_audio: an audio file that is written while its PCM is made."""

import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from io import BufferedIOBase, RawIOBase
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from .audio.arrays import Pcm
from .encoder import AudioEncoder
from .errors import InvalidArgument, Violation
from .events import Chunk, Event, Finished, Flushed, Started
from .formats import FORMATS, format_for_extension

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def open_audio(
    file: str | os.PathLike[str] | BinaryIO,
    *,
    format: str | None = None,  # noqa: A002 - the established name
    sample_rate_hz: int,
    channels: int = 1,
    sample_format: str | None = None,
    bitrate_bps: int | None = None,
    vbr_quality: float | None = None,
    effort: int | None = None,
    page_ms: int | None = None,
    tags: Mapping[str, str] | None = None,
    output_sample_rate_hz: int | None = None,
    output_channels: int | None = None,
    output_sample_format: str | None = None,
) -> "AudioFile":
    """Open an audio file for writing; use the result as a context manager.

    `file`: a path, which appears, whole, when the file is closed, or not at all; or a binary file, which is written from its
    present position on. `format`: a name of `FORMATS`; the default follows from the path's extension. The other options are
    those of AudioEncoder.

    Raises InvalidArgument for bad options, OSError if the path cannot be written.
    """
    if format is None:
        name = file if isinstance(file, str | os.PathLike) else getattr(file, "name", "")
        extension = Path(name).suffix if isinstance(name, str | os.PathLike) else ""
        found = format_for_extension(extension)
        if found is None:
            text = f"give a format: {', '.join(FORMATS)}"
            raise InvalidArgument([Violation("format", f"{extension!r} (the extension)", text)])
        format = found.name  # noqa: A001
    encoder = AudioEncoder(
        format=format,
        sample_rate_hz=sample_rate_hz,
        channels=channels,
        sample_format=sample_format,
        bitrate_bps=bitrate_bps,
        vbr_quality=vbr_quality,
        effort=effort,
        page_ms=page_ms,
        tags=tags,
        output_sample_rate_hz=output_sample_rate_hz,
        output_channels=output_channels,
        output_sample_format=output_sample_format,
    )
    if not isinstance(file, str | os.PathLike):
        return AudioFile(encoder, file)
    path = Path(file).resolve()  # a link stays a link: its target is replaced
    if path.exists() and not path.is_file():
        return AudioFile(
            encoder, _open(path, path, "wb"), owned=True
        )  # a device or a pipe must not be replaced by a file
    temporary = path.with_name(f".audiowriter-{secrets.token_hex(8)}.part")
    return AudioFile(encoder, _open(temporary, path, "xb"), owned=True, temporary=temporary, path=path)


def _open(path: Path, named: Path, mode: str) -> BinaryIO:
    try:
        return path.open(mode)  # type: ignore[return-value]
    except OSError as error:
        error.filename = str(named)  # the path that the caller gave
        raise


class AudioFile:
    """A file that is encoded while its PCM is written. Made by `open_audio`.

    Leaving its context normally closes the file; leaving it by an exception discards it, and removes what was written under
    a temporary name.
    """

    def __init__(
        self,
        encoder: AudioEncoder,
        file: BinaryIO,
        *,
        owned: bool = False,
        temporary: Path | None = None,
        path: Path | None = None,
    ) -> None:
        """Use `open_audio`."""
        self._encoder, self._file, self._owned = encoder, file, owned
        self._temporary, self._path = temporary, path
        self._start = file.tell() if file.seekable() and not _appends(file) else None
        self._started: Started | None = None
        self._flushed: Flushed | None = None
        self._result: Finished | None = None
        self._open = True

    @property
    def started(self) -> Started:
        """The options with every default filled in. Opens the codec."""
        if self._started is None:
            self._handle(self._encoder.start())
        assert self._started is not None
        return self._started

    @property
    def bytes_written(self) -> int:
        """Bytes of the file so far."""
        return self._encoder.bytes_out

    @property
    def result(self) -> Finished:
        """Totals of the finished file. Raises ValueError before `close`."""
        if self._result is None:
            raise ValueError("there is no result before close()")
        return self._result

    def write(self, pcm: Pcm) -> None:
        """Encode PCM: bytes cut anywhere, or an array of shape (n,) for one channel or (n, channels).

        Raises InvalidArgument, EncodeError, or OSError from the file; ValueError after `close`.
        """
        self._check_open()
        self._handle(self._encoder.write(pcm))

    def flush(self) -> Flushed:
        """Write everything that codec and container can give without harm to the stream; return how far it came."""
        self._check_open()
        self._handle(self._encoder.flush())
        self._file.flush()
        assert self._flushed is not None
        return self._flushed

    def close(self) -> None:
        """Finish the file: put the header in place and move it to its path. If that fails, it is discarded. Idempotent."""
        if not self._open:
            return
        try:
            self._handle(self._encoder.finish())
            if self._start is not None and self.result.header:
                end = self._file.tell()
                self._file.seek(self._start)
                self._write(self.result.header)
                self._file.seek(end)
            self._file.flush()
            if self._temporary is not None and self._path is not None:
                os.fsync(self._file.fileno())
                self._file.close()
                with suppress(FileNotFoundError):
                    shutil.copymode(self._path, self._temporary)
                self._temporary.replace(self._path)
            elif self._owned:
                self._file.close()
        except BaseException:
            self.discard()
            raise
        self._open = False
        self._encoder.close()

    def discard(self) -> None:
        """Give the file up: remove what was written under its temporary name. No-op after `close`."""
        if not self._open:
            return
        self._open = False
        self._encoder.close()
        if self._owned:
            with suppress(OSError):  # the bytes in the buffer may not fit on the disk, and are not wanted
                self._file.close()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def _check_open(self) -> None:
        if not self._open:
            raise ValueError("the file is closed")

    def _handle(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case Chunk(data=data):
                    self._write(data)
                case Started():
                    self._started = event
                case Flushed():
                    self._flushed = event
                case Finished(trailer=trailer):
                    self._result = event
                    self._write(trailer)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:  # a file without a buffer may write a part
            rest = rest[self._file.write(rest) or 0 :]


def _appends(file: BinaryIO) -> bool:
    """Whether every write goes to the end of the file, wherever one seeks."""
    if "a" in str(getattr(file, "mode", "")):
        return True
    if fcntl is None or not isinstance(file, RawIOBase | BufferedIOBase):
        return False
    with suppress(OSError):  # a file in memory has no descriptor
        return bool(fcntl.fcntl(file.fileno(), fcntl.F_GETFL) & os.O_APPEND)
    return False
