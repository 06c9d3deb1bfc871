"""Runs the installed command in a separate process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = Path(sys.executable).with_name("audiowriter")


def run(
    *arguments: str | Path, stdin: bytes = b"", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
        env=os.environ | (environment or {}),
    )


@contextmanager
def start(*arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command with pipes for stdin, stdout and stderr; kill it at the end if it is still running."""
    pipe = subprocess.PIPE
    with subprocess.Popen([COMMAND, *arguments], stdin=pipe, stdout=pipe, stderr=pipe) as process:
        try:
            yield process
        finally:
            process.kill()
