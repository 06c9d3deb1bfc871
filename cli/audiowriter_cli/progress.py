"""Shows the progress of an encode on stderr."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TaskProgressColumn, TextColumn


class Meter:
    """Shows a bar if the length is known and a spinner if not. Shows nothing if stderr is not a terminal."""

    def __init__(self, frames: int | None, sample_rate_hz: int, *, quiet: bool) -> None:
        self._sample_rate_hz = sample_rate_hz
        self._frames = 0.0
        console = Console(stderr=True)
        lead: list[ProgressColumn] = [SpinnerColumn()] if frames is None else [BarColumn(), TaskProgressColumn()]
        self._progress = Progress(
            *lead,
            TextColumn("{task.fields[seconds]:.1f} s  {task.fields[size]}"),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=frames, seconds=0.0, size=decimal(0))

    def advance(self, frames: float, encoded_bytes: int) -> None:
        """Count `frames` more samples per channel; `encoded_bytes` is the number of bytes received so far."""
        self._frames += frames
        self._progress.update(
            self._task,
            completed=self._frames,
            seconds=self._frames / self._sample_rate_hz,
            size=decimal(encoded_bytes),
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Remove the bar from the terminal."""
        self._progress.stop()
