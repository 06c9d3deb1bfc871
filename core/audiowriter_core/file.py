"""open_audio writes an audio file while its PCM is produced."""

import os
from contextlib import suppress
from io import BufferedIOBase, RawIOBase
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from .audio.arrays import Pcm
from .description import MarkerOptions, PictureOptions, TagOptions
from .encoder import AudioEncoder
from .errors import InvalidArgument, Violation, quoted
from .events import Chunk, Event, Finished, Flushed, Started
from .formats import FORMATS, format_for_extension
from .replacement import Replacement, is_replaceable

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
    page_ms: float | None = None,
    opus_frame_ms: float | None = None,
    tags: TagOptions | None = None,
    pictures: PictureOptions = (),
    metadata_bytes: int = 0,
    gain_db: float = 0,
    true_peak_limit_dbtp: float | None = None,
    measure_loudness: bool = False,
    wav_header: str | None = None,
    max_gap_ms: float | None = None,
    max_skew_ms: float | None = None,
    max_jitter_ms: float | None = None,
    output_sample_rate_hz: int | None = None,
    output_channels: int | None = None,
    output_sample_format: str | None = None,
) -> "AudioFile":
    """Open an audio file for writing. Use the result as a context manager.

    `file`: a path or a binary file. A path is written under a temporary name and renamed at the end, so it never holds an
    incomplete file. The new file has the permissions of the old one. A symbolic link stays a link. Devices and pipes are
    written directly. A binary file is written from its current position. `format`: a key of `FORMATS`; the default is the
    format of the path's extension. The other options are those of AudioEncoder.

    Raises InvalidArgument for bad options, and OSError if the path cannot be opened for writing.
    """
    if format is None:
        name = file if isinstance(file, str | os.PathLike) else getattr(file, "name", "")
        extension = Path(name).suffix if isinstance(name, str | os.PathLike) else ""
        found = format_for_extension(extension)
        if found is None:
            text = f"unknown extension {quoted(repr(extension))}: pass one of {', '.join(FORMATS)}"
            raise InvalidArgument([Violation("format", "", text)])
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
        opus_frame_ms=opus_frame_ms,
        tags=tags,
        pictures=pictures,
        metadata_bytes=metadata_bytes,
        gain_db=gain_db,
        true_peak_limit_dbtp=true_peak_limit_dbtp,
        measure_loudness=measure_loudness,
        wav_header=wav_header,
        max_gap_ms=max_gap_ms,
        max_skew_ms=max_skew_ms,
        max_jitter_ms=max_jitter_ms,
        output_sample_rate_hz=output_sample_rate_hz,
        output_channels=output_channels,
        output_sample_format=output_sample_format,
    )
    if not isinstance(file, str | os.PathLike):
        return AudioFile(encoder, file)
    path = Path(file)
    if not is_replaceable(path):
        return AudioFile(encoder, path.open("wb", buffering=0), owned=True)  # a reader of a pipe gets the bytes at once
    replacement = Replacement(path)
    return AudioFile(encoder, replacement.file, replacement=replacement)


class AudioFile:
    """An audio file that is encoded while its PCM is written. Returned by `open_audio`.

    At the end of its `with` block the file is completed. If the block raises, the file is discarded, and the temporary file
    is deleted.
    """

    def __init__(
        self,
        encoder: AudioEncoder,
        file: BinaryIO,
        *,
        owned: bool = False,
        replacement: Replacement | None = None,
    ) -> None:
        """Use `open_audio`."""
        self._encoder, self._file, self._owned, self._replacement = encoder, file, owned, replacement
        self._start = file.tell() if file.seekable() and not _appends(file) else None
        self._started: Started | None = None
        self._flushed: Flushed | None = None
        self._result: Finished | None = None
        self._open = True

    @property
    def started(self) -> Started:
        """The event with all options, defaults filled in. Opens the codec if it is not open yet."""
        if self._started is None:
            self._handle(self._encoder.start())
        assert self._started is not None
        return self._started

    @property
    def bytes_written(self) -> int:
        """Length of the file so far, in bytes."""
        return self._encoder.bytes_out

    @property
    def result(self) -> Finished:
        """The event with the totals of the finished file. Raises ValueError before `close`."""
        if self._result is None:
            raise ValueError("there is no result before close()")
        return self._result

    def write(self, pcm: Pcm, *, position: int | None = None, channel: int = 0) -> None:
        """Encode PCM: bytes cut anywhere, or an array of shape (n, channels), or (n,) for one channel.

        `position` and `channel` are those of `AudioEncoder.write`.

        Raises what `AudioEncoder.write` raises, OSError from the file, and ValueError after `close`.
        """
        self._check_open()
        self._handle(self._encoder.write(pcm, position=position, channel=channel))

    def flush(self) -> Flushed:
        """Write the bytes that can already be written, such as a page that is not full.

        Returns the event that has the number of samples still held.
        """
        self._check_open()
        self._handle(self._encoder.flush())
        self._file.flush()
        assert self._flushed is not None
        return self._flushed

    def describe(self, tags: TagOptions = (), markers: MarkerOptions = ()) -> None:
        """Add tags to the file, or replace those of the same names, and add markers. See `AudioEncoder.describe`."""
        self._check_open()
        if self._started is None:
            self._handle(self._encoder.start())
        self._encoder.describe(tags, markers)

    def close(self) -> None:
        """Complete the file: write the final header and rename the file to its path. Idempotent.

        If this fails, the file is discarded.
        """
        if not self._open:
            return
        try:
            self._handle(self._encoder.finish())
            if self._start is not None and self.result.header:
                end = self._file.tell()
                self._file.seek(self._start)
                self._write(self.result.header)
                self._file.seek(end)
            if self._replacement is not None:
                self._replacement.commit()
            elif self._owned:
                self._file.close()
            else:
                self._file.flush()
        except BaseException:
            self.discard()
            raise
        self._open = False
        self._encoder.close()

    def discard(self) -> None:
        """Stop encoding and delete the temporary file, if there is one. Does nothing after `close`."""
        if not self._open:
            return
        self._open = False
        self._encoder.close()
        if self._replacement is not None:
            self._replacement.discard()
        elif self._owned:
            with suppress(OSError):  # closing writes the buffer, which may fail and is not needed
                self._file.close()

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
        while rest:  # an unbuffered file may write only a part
            rest = rest[self._file.write(rest) or 0 :]


def _appends(file: BinaryIO) -> bool:
    """Whether the file is in append mode, in which every write goes to the end, even after a seek."""
    if "a" in str(getattr(file, "mode", "")):
        return True
    if fcntl is None or not isinstance(file, RawIOBase | BufferedIOBase):
        return False
    with suppress(OSError):  # a file in memory has no descriptor
        return bool(fcntl.fcntl(file.fileno(), fcntl.F_GETFL) & os.O_APPEND)
    return False
