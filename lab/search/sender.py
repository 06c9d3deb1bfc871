"""The process of load.py, as the search sees it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from json import loads
from typing import Self

from lab.search.case import Case


@dataclass
class Figures:
    """What the sender did; filled in when a case has ended."""

    cores: float = 0.0
    """CPU time per time that passed."""
    bytes_per_second: float = 0.0
    """Bytes of messages sent."""
    ended: dict[str, int] = field(default_factory=dict)
    """How many streams ended, by status."""


class Sender:
    """A separate process, so that sending does not slow down the process that measures."""

    def __init__(self, target: str, token: str) -> None:
        path = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lab.search.load", target, token],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        self.pid = self._process.pid

    @contextmanager
    def sending(self, case: Case) -> Iterator[Figures]:
        """Send the streams of a case from when all of them are open until the end of the context."""
        figures = Figures()
        self._write(case.as_json())
        assert self._read() == "open"
        begin = time.monotonic()
        yield figures
        seconds = time.monotonic() - begin
        self._write("")
        done = loads(self._read())
        figures.cores, figures.bytes_per_second, figures.ended = done["cores"], done["sent"] / seconds, done["ended"]

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, f"the sender ended with {self._process.wait()}"
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
