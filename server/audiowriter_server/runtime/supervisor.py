"""Runs several server processes (workers): starts them, restarts them when they die or hang, and forwards signals to them.

A process has one event loop, so using more cores requires more processes. Each is a new interpreter, because forking is not
safe after gRPC has started its threads. The supervisor uses neither gRPC nor codecs, so it rarely crashes.
"""

import asyncio
import logging
import os
import socket
import sys
import tempfile
from asyncio.subprocess import Process
from contextlib import ExitStack
from dataclasses import replace

from prometheus_client.multiprocess import mark_process_dead

from ..telemetry import metrics
from ..telemetry.logs import logging_to_stderr
from .descriptors import raise_limit
from .heartbeat import wait_until_hung
from .process import FINISHED, NOT_STARTED, SIGNALS, TERMINATED, fail
from .settings import Settings

log = logging.getLogger("audiowriter")

FIRST_BACK_OFF_S = 0.5
MAX_BACK_OFF_S = 30.0
STEADY_S = 60.0
"""A worker that ran for longer than this restarts after FIRST_BACK_OFF_S."""


def supervise(settings: Settings) -> int:
    """Serve until a signal; return the exit code."""
    raise_limit()
    with ExitStack() as stack:
        stack.enter_context(logging_to_stderr(settings.log_format))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="audiowriter-metrics-"))
        os.environ[metrics.MULTIPROCESS_VARIABLE] = folder
        try:
            if settings.metrics_port:
                stack.enter_context(metrics.serving(settings.metrics_host, settings.metrics_port))
        except OSError as exc:
            return fail(f"cannot serve metrics on {settings.metrics_host}:{settings.metrics_port}: {exc}")
        return asyncio.run(_supervise(settings))


async def _supervise(settings: Settings) -> int:
    workers = [_Worker(number, settings) for number in range(settings.workers)]
    signals: asyncio.Queue[int] = asyncio.Queue()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, signals.put_nowait, number)
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    all_ended = asyncio.gather(*tasks)
    # Before a signal, only a worker that cannot start ends its task.
    await asyncio.wait([*tasks, asyncio.create_task(signals.get())], return_when=asyncio.FIRST_COMPLETED)
    while not all_ended.done():
        for worker in workers:
            worker.stop()
        next_signal = asyncio.create_task(signals.get())
        await asyncio.wait((all_ended, next_signal), return_when=asyncio.FIRST_COMPLETED)
        next_signal.cancel()
    codes = all_ended.result()
    return next((code for code in (NOT_STARTED, TERMINATED) if code in codes), FINISHED)


class _Worker:
    """One worker slot: starts a process and restarts it when it dies."""

    def __init__(self, number: int, settings: Settings) -> None:
        port = settings.port if settings.shared_port or not settings.port else settings.port + number
        self._number = number
        self._variables = replace(settings, port=port, workers=1, metrics_port=0).as_variables()
        self._process: Process | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> int:
        """Start the process, and restart it whenever it dies or hangs, until `stop` is called; return its last exit code."""
        loop = asyncio.get_running_loop()
        back_off, has_run = FIRST_BACK_OFF_S, False
        while True:
            begin = loop.time()
            try:
                code = await self._run_once()
                end = f"exited with code {code}"
            except OSError as exc:  # too few descriptors, processes or memory; the other workers go on
                code, end = TERMINATED, f"could not be started: {exc}"
            if self._stopping.is_set():
                return code if code in (FINISHED, NOT_STARTED) else TERMINATED
            if code == NOT_STARTED and not has_run:
                return code
            has_run = True
            if loop.time() - begin > STEADY_S:
                back_off = FIRST_BACK_OFF_S
            log.error("worker %d %s: restarting in %g s", self._number, end, back_off)
            if await self._stopped_within(back_off):
                return FINISHED
            back_off = min(2 * back_off, MAX_BACK_OFF_S)

    def stop(self) -> None:
        """Send SIGTERM to the worker. The first one drains it, and the second one stops it immediately."""
        self._stopping.set()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()

    async def _run_once(self) -> int:
        """Start the process and wait for its end; return the exit code. Raises OSError if it cannot be started."""
        own_end, its_end = socket.socketpair()
        with own_end:
            with its_end:
                # In a session of its own, so that the worker does not get Ctrl-C from the terminal and our signal.
                self._process = process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "audiowriter_server.runtime.worker_main",
                    env={**os.environ, **self._variables},
                    stdin=its_end.fileno(),
                    start_new_session=True,
                )
            if self._stopping.is_set():  # while the process was being started, so that it did not get the signal
                process.terminate()
            watcher = asyncio.create_task(self._kill_if_hung(process, own_end))
            try:
                code = await process.wait()
            finally:
                watcher.cancel()
        mark_process_dead(process.pid)
        return code

    async def _kill_if_hung(self, process: Process, its_socket: socket.socket) -> None:
        seconds = await wait_until_hung(its_socket, process.pid)
        log.error("worker %d (pid %d) hangs: no heartbeat for %.1f s", self._number, process.pid, seconds)
        process.kill()

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True
