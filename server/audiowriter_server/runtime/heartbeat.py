"""The socket between a supervisor and a worker. Workers send heartbeats, and notice the supervisor's end."""

import asyncio
import socket
from contextlib import suppress

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


async def wait_until_hung(worker: socket.socket) -> float:
    """Return when the worker has missed MISSED_BEATS: the seconds since its last one. Does not return after a farewell."""
    worker.setblocking(False)
    clock = RunningClock()
    last, limit = clock.now(), START_S
    while True:
        await asyncio.sleep(_POLL_S)
        now = clock.now()
        with suppress(BlockingIOError):
            received = worker.recv(4096)
            if not received or _FAREWELL in received:
                await asyncio.Future()
            last, limit = now, MISSED_BEATS * BEAT_S
        if now - last > limit:
            return now - last
