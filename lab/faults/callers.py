"""`audiowriter encode` in separate processes that each receive PCM in real time through a pipe."""

import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from support.server import LIMIT_S

from lab.faults.beside import FRAME_BYTES, FRAME_S, RATE, speech

_COMMAND = str(Path(sys.executable).with_name("audiowriter"))


class Caller:
    """One process, which gives up when its server is lost. `path`: its file. `pace`: speed of its input as a multiple of
    real time."""

    def __init__(self, target: str, path: Path, pace: float = 1) -> None:
        command = [_COMMAND, "encode", "-", str(path), "--input-rate", str(RATE), "--target", target, "--quiet"]
        command.append("--resume-timeout=0")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        self._feeder = threading.Thread(target=self._feed, args=(pace,))
        self._feeder.start()

    def ended(self) -> tuple[int, str]:
        """Return its exit code and its messages."""
        assert self.process.stderr is not None
        code = self.process.wait(LIMIT_S)
        return code, self.process.stderr.read().decode().strip()

    def _feed(self, pace: float) -> None:
        assert self.process.stdin is not None
        at = 0
        try:
            while True:
                self.process.stdin.write(speech(FRAME_BYTES, at))
                self.process.stdin.flush()
                at += FRAME_BYTES
                time.sleep(FRAME_S / pace)
        except BrokenPipeError:
            return  # it has ended

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(LIMIT_S)
        self._feeder.join()
        for pipe in (self.process.stdin, self.process.stderr):
            assert pipe is not None
            with suppress(BrokenPipeError):  # from the data that was still in the buffer
                pipe.close()
