"""The socket between a supervisor and a worker. Workers send heartbeats, and notice the supervisor's end."""

import asyncio
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ..clock import RunningClock

BEAT_S = 1.0
"""Interval, in seconds, of the heartbeats."""
MISSED_BEATS = 3
"""A worker that misses as many hangs: its event loop is blocked, or the process is stopped."""
START_S = 60.0
"""Seconds until the first heartbeat. A busy machine needs several to import everything."""
_POLL_S = 0.25

_BEAT, _FAREWELL = b".", b"!"


async def send_heartbeats(supervisor: socket.socket) -> None:
    """Send a heartbeat every BEAT_S. Returns when the supervisor has ended."""
    supervisor.setblocking(False)
    while True:
        try:
            with suppress(BlockingIOError):  # a supervisor that does not read may itself be stopped
                supervisor.send(_BEAT)
            async with asyncio.timeout(BEAT_S):
                await asyncio.get_running_loop().sock_recv(supervisor, 1)
            return
        except TimeoutError:
            continue
        except ConnectionError:
            return


def send_farewell(supervisor: socket.socket) -> None:
    """Tell the supervisor that no heartbeats follow, because the process is about to exit."""
    with suppress(OSError):
        supervisor.send(_FAREWELL)


async def wait_until_hung(worker: socket.socket, pid: int) -> float:
    """Return when the worker has missed MISSED_BEATS: the seconds since its last one. Does not return after a farewell.

    A worker that waits for a CPU does not hang. It is runnable, but it has had less than half of the CPU time that a blocked
    event loop would have used.
    """
    worker.setblocking(False)
    clock = RunningClock()
    last, limit, cpu_s = clock.now(), START_S, _cpu_s(pid)
    while True:
        await asyncio.sleep(_POLL_S)
        now = clock.now()
        with suppress(BlockingIOError):
            received = worker.recv(4096)
            if not received or _FAREWELL in received:
                await asyncio.Future()
            last, limit, cpu_s = now, MISSED_BEATS * BEAT_S, _cpu_s(pid)
        if now - last > limit and not (_is_runnable(pid) and _cpu_s(pid) - cpu_s < limit / 2):
            return now - last


def _is_runnable(pid: int) -> bool:
    """Whether a thread of the process runs or waits for a CPU. False where the system has no /proc."""
    return any(fields[0] == "R" for fields in _stats(Path(f"/proc/{pid}/task").glob("*/stat")))


def _cpu_s(pid: int) -> float:
    """Return the CPU time of the process, in seconds. 0 where the system has no /proc."""
    ticks = sum(int(fields[11]) + int(fields[12]) for fields in _stats([Path(f"/proc/{pid}/stat")]))
    return ticks / os.sysconf("SC_CLK_TCK") if ticks else 0.0


def _stats(files: Iterable[Path]) -> Iterator[list[str]]:
    """Yield the fields after the name of the command: state, ..., utime and stime at 11 and 12. proc_pid_stat(5)."""
    for file in files:
        with suppress(OSError):  # the thread has ended
            yield file.read_text().rpartition(")")[2].split()
