"""Shows the progress of `encode` on stderr."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn


class Display:
    """Shows a row per running file. Shows nothing if stderr is not a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[seconds]:.1f} s  {task.fields[size]}"),
            console=console,
            transient=True,
            redirect_stdout=False,  # it would print the reports on stderr
            disable=quiet or not console.is_terminal,
        )

    def row(self, name: str, frames: int | None, sample_rate_hz: int) -> "Row":
        """Add a row. `frames`: the length in samples per channel; None: unknown, then the bar only moves."""
        return Row(self._progress, self._progress.add_task(name, total=frames, seconds=0.0, size=""), sample_rate_hz)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Remove the rows from the terminal."""
        self._progress.stop()


class Row:
    """The progress of one file."""

    def __init__(self, progress: Progress, task: TaskID, sample_rate_hz: int) -> None:
        self._progress, self._task, self._sample_rate_hz = progress, task, sample_rate_hz
        self._frames = 0.0

    def advance(self, frames: float, encoded_bytes: int) -> None:
        """Count `frames` more samples per channel; `encoded_bytes` is the number of bytes received so far."""
        self._frames += frames
        seconds = self._frames / self._sample_rate_hz
        self._progress.update(self._task, completed=self._frames, seconds=seconds, size=decimal(encoded_bytes))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.refresh()  # a short file would never be shown
        self._progress.remove_task(self._task)
