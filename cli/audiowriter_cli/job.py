"""One file of `encode`: from its input to its output."""

import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from io import FileIO
from typing import Any

import click
from audiowriter_client.config import stream_config
from audiowriter_client.sink import Destination
from audiowriter_client.writer import AudioWriter

from audiowriter_cli.audio import PcmFormat, RawOptions
from audiowriter_cli.chapters import Place
from audiowriter_cli.interruptible import GRACE_S
from audiowriter_cli.local import LocalWriter
from audiowriter_cli.progress import Display
from audiowriter_cli.report import Report
from audiowriter_cli.server import Server
from audiowriter_cli.source import open_source


@dataclass(frozen=True)
class Settings:
    """What all files of one command have in common."""

    server: Server | None
    """None: encode in this process."""
    format: str
    raw: RawOptions
    options: Mapping[str, Any]
    """Arguments of AudioEncoder, and of stream_config, apart from the format and the input."""
    resume_timeout: float
    places: Sequence[Place] = ()
    """Markers of each file."""


class Job:
    """Encodes one file."""

    def __init__(self, source: str, output: str, settings: Settings) -> None:
        self.source, self.output = source, output
        self._settings = settings
        self._opened: Future[AudioWriter | LocalWriter] = Future()

    def run(self, display: Display) -> Report:
        """Encode the file, and return its totals."""
        with ExitStack() as stack:
            audio = stack.enter_context(open_source(self.source, self._settings.raw))
            row = stack.enter_context(display.row(self.source, audio.frames, audio.format.sample_rate_hz))
            begin = time.perf_counter()
            with self._open_writer(audio.format) as writer:
                self._opened.set_result(writer)
                if places := self._settings.places:
                    writer.describe(markers=[place.marker(audio.format.sample_rate_hz) for place in places])
                for block in audio.blocks:
                    writer.write(block)
                    row.advance(audio.frames_in(block), writer.bytes_received)
            return Report.of(self.source, self.output, writer.result, time.perf_counter() - begin)

    def cancel(self) -> None:
        """Discard the file. May be called from another thread."""
        with suppress(TimeoutError):  # not opened yet, or it never will be
            self._opened.result(GRACE_S).cancel()

    def _open_writer(self, pcm: PcmFormat) -> AudioWriter | LocalWriter:
        settings = self._settings
        options = {
            "format": settings.format,
            "sample_rate_hz": pcm.sample_rate_hz,
            "channels": pcm.channels,
            "sample_format": pcm.sample_format,
            **settings.options,
        }
        sink: Destination = _stdout() if self.output == "-" else self.output
        if settings.server is None:
            return LocalWriter(options, sink)
        try:
            config = stream_config(**options)
        except ValueError as error:  # a number is too large for its field
            raise click.UsageError(str(error)) from error
        return AudioWriter.open(
            settings.server.target,
            config,
            sink,
            credentials=settings.server.credentials,
            metadata=settings.server.metadata,
            resume_timeout=settings.resume_timeout,
        )


def _stdout() -> FileIO:
    # Unbuffered, so that a listener receives each byte immediately, and nothing must be flushed if the pipe is closed.
    return FileIO(sys.stdout.fileno(), "wb", closefd=False)
