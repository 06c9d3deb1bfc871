"""Streams of the clients in other languages: their commands encode raw PCM from standard input, in real time."""

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from support.server import LIMIT_S

from lab.conformance.drivers import BUILD_S, GO, package_java
from lab.faults.beside import FRAME_S, RATE
from lab.faults.speakers import Speaker

_FORMATS = ("mp3", "opus", "flac", "m4a")
"""With an encoder that keeps state, with a random serial number, with a final header, with an index at the end."""

Arguments = Callable[[str, Path], list[str]]
"""Returns the command line for a target and a file to write."""


def go(folder: Path) -> Arguments:
    """Build the command of the Go module in a folder."""
    program = folder / "audiowriter"
    subprocess.run(["go", "build", "-o", str(program), "./cmd/audiowriter"], cwd=GO, check=True, timeout=BUILD_S)
    return lambda target, file: [str(program), "-target", target, "-rate", str(RATE), "-o", str(file), "-"]


def java(_: Path) -> Arguments:
    """Package the Java client with its command."""
    jar = package_java()
    options = ("-Xmx96m", "-jar", str(jar))
    return lambda target, file: ["java", *options, "--target", target, "--rate", str(RATE), "-", str(file)]


def speakers(commands: Sequence[Arguments], target: str, folder: Path) -> list[Speaker]:
    """Return a speaker for each command and format. Creates the folder of their files."""
    folder.mkdir()
    return [
        _Speaker(arguments, target, name, folder / f"{number}.{name}")
        for number, arguments in enumerate(commands)
        for name in _FORMATS
    ]


class _Speaker(Speaker):
    def __init__(self, arguments: Arguments, target: str, name: str, file: Path) -> None:
        super().__init__(target, name, live=False)
        self._path, self._command = file, arguments(target, file)

    def run(self, over: threading.Event) -> None:
        """Pipe frames into the command until `over` is set."""
        pipe, null = subprocess.PIPE, subprocess.DEVNULL
        with subprocess.Popen(self._command, stdin=pipe, stdout=null, stderr=pipe, bufsize=0) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            self.started.set()
            due = time.monotonic()
            with suppress(BrokenPipeError):
                while not over.wait(max(0, due - time.monotonic())):
                    process.stdin.write(self._frame())
                    due += FRAME_S
            process.stdin.close()
            text = process.stderr.read().decode().strip()
            if process.wait(LIMIT_S):
                self.error = RuntimeError(f"{Path(self._command[0]).name}: {text}")

    def _bytes(self) -> bytes:
        return self._path.read_bytes()
