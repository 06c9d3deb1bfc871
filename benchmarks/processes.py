"""Starts the processes that are measured, and runs the load."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiowriter_server.runtime.grpc_env import GRPC_EXPERIMENTS

HERE = Path(__file__).parent
GENERATOR = HERE / "results" / "audiowriter-load"
"""Built by `make bench`."""

START_S = 30
LOAD_LIMIT_S = 660


class LoadFailed(Exception):
    """The load could not be run; the text is the generator's."""


@dataclass(frozen=True)
class Target:
    """A running server."""

    address: str
    """Addresses of all its workers, separated by commas."""
    pids: Sequence[int]
    """Process IDs of the processes that encode."""

    def options(self) -> list[str]:
        """Return its addresses and process IDs, as options of audiowriter-load."""
        return ["-target", self.address, "-pids", ",".join(map(str, self.pids))]


@contextmanager
def server(workers: int = 1) -> Iterator[Target]:
    """Start the server with its default settings."""
    port = _free_port(workers)
    command = [sys.executable, "-m", "audiowriter_server", "--port", str(port), "--workers", str(workers)]
    with _running(command, [port + number for number in range(workers)]) as target:
        yield target


@contextmanager
def echo(schedule: Path) -> Iterator[Target]:
    """Start the bare exchange with a recorded schedule."""
    port = _free_port(1)
    with _running([sys.executable, str(HERE / "echo.py"), str(port), str(schedule)], [port]) as target:
        yield target


def load(*options: str) -> dict[str, Any]:
    """Run audiowriter-load and return its report."""
    try:
        done = subprocess.run([GENERATOR, *options], capture_output=True, text=True, timeout=LOAD_LIMIT_S, check=True)
    except subprocess.CalledProcessError as exc:
        raise LoadFailed(exc.stderr.strip()) from exc
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@contextmanager
def _running(command: Sequence[str], ports: Sequence[int]) -> Iterator[Target]:
    # The server sets this itself; the bare exchange must use the same gRPC settings.
    variables = {"GRPC_EXPERIMENTS": GRPC_EXPERIMENTS} | os.environ
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=variables)
    try:
        for port in ports:
            _wait_for(port, process)
        # With one worker the process itself encodes, otherwise its children do.
        pids = [process.pid] if len(ports) == 1 else _children(process.pid)
        yield Target(",".join(f"127.0.0.1:{port}" for port in ports), pids)
    finally:
        process.terminate()
        try:
            process.wait(timeout=START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError as exc:
            if process.poll() is not None or time.monotonic() > deadline:
                raise LoadFailed(f"{process.args!r}: did not listen on {port}") from exc
            time.sleep(0.05)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _free_port(count: int) -> int:
    # Usually several ports in a row are free.
    for _ in range(100):
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
        if all(_is_free(port + number) for number in range(count)):
            return port
    raise LoadFailed(f"no {count} free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
