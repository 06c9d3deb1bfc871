"""Floods of HTTP/2 control frames, which a client can send before it is authenticated.

`python -m lab.faults.control_frames TARGET KIND` sends one kind of frame as fast as the server reads, until it is killed.
"""

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from struct import pack

from lab.faults.fairness import p99
from lab.faults.http2 import PING, PREFACE, SETTINGS, WINDOW_UPDATE, frame
from lab.faults.watch import MB, Watched

FRAMES = {
    "SETTINGS": frame(SETTINGS, 0),
    "PING": frame(PING, 0, bytes(8)),
    "WINDOW_UPDATE": frame(WINDOW_UPDATE, 0, pack(">I", 1)),
    "unknown frames": frame(0xEE, 0, bytes(8)),
}
_REPEATED = 20_000
_FLOOD_S = 4.0
_ALONE_S = 2.0
_LIMIT_S = 0.5
_LIMIT_RATIO = 10
"""Frames of 20 ms wait for 3 to 11 s where one connection can stop the others. On a busy machine they also wait without a
flood, so the limit is a multiple of that time."""


def flooded(server: Watched, tries: int) -> Counter[str]:
    """Measure how long 20 ms frames wait beside each flood. The setting of the server decides which poller it uses."""
    kinds = list(FRAMES)
    seen = Counter(delay_beside_flood(server.target, kinds[number % len(kinds)]) for number in range(tries))
    server.settle()
    assert server.grown() < 64 * MB, f"grew by {server.grown() / MB:.0f} MB"
    return seen


def delay_beside_flood(target: str, kind: str) -> str:
    """Measure the delay of 20 ms frames beside one flooding connection. Fails if it is too long."""
    alone = p99(target, _ALONE_S)
    with _flood(target, kind):
        delay = p99(target, _FLOOD_S)
    assert delay < max(_LIMIT_S, _LIMIT_RATIO * alone), (
        f"{kind}: frames waited {delay:.1f} s (p99; alone {alone:.2f} s)"
    )
    return f"{kind}: p99 {delay * 1000:.0f} ms"


@contextmanager
def _flood(target: str, kind: str) -> Iterator[None]:
    path = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-m", "lab.faults.control_frames", target, kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()  # it has begun
            yield
        finally:
            process.kill()


def _send(target: str, kind: str) -> None:
    """Send until this process is killed. If the server closes the connection, open another one."""
    data = _REPEATED * FRAMES[kind]
    host, _, port = target.rpartition(":")
    begun = False
    while True:
        with socket.create_connection((host, int(port))) as connection, suppress(ConnectionError):
            connection.sendall(PREFACE + frame(SETTINGS, 0))
            connection.setblocking(False)
            position, is_open = 0, True
            while is_open:
                with suppress(BlockingIOError):
                    is_open = bool(connection.recv(2**20))
                try:
                    position = (position + connection.send(data[position : position + 65536])) % len(data)
                except BlockingIOError:
                    time.sleep(0.0005)
                if not begun:
                    print("begun", flush=True)
                    begun = True
        time.sleep(0.01)


if __name__ == "__main__":
    _send(*sys.argv[1:])
