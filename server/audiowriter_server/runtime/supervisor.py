"""Several server processes under one: started, watched, started again, told to stop.

One process has one event loop; more cores take more processes. Each is a fresh interpreter: to fork after gRPC has started
its threads is not safe. The one above them speaks no gRPC and touches no audio: it has little to die of.
"""

import asyncio
import logging
import os
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from contextlib import ExitStack
from dataclasses import replace

from prometheus_client.multiprocess import mark_process_dead

from ..telemetry import metrics
from ..telemetry.logs import logging_to_stderr
from .process import CAN_NOT_START, CUT, DONE, SIGNALS, fail
from .settings import Settings

log = logging.getLogger("audiowriter")

FIRST_BACK_OFF_S = 0.5
MAX_BACK_OFF_S = 30.0
STEADY_S = 60.0
"""A worker that lived so long starts again after the first back-off."""


def supervise(settings: Settings) -> int:
    """Serve until a signal; give the exit code."""
    with ExitStack() as stack:
        stack.enter_context(logging_to_stderr(settings.log_format))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="audiowriter-metrics-"))
        os.environ[metrics.MULTIPROCESS_VARIABLE] = folder
        try:
            if settings.metrics_port:
                stack.enter_context(metrics.serving(settings.metrics_host, settings.metrics_port))
        except OSError as exc:
            return fail(f"metrics on {settings.metrics_host}:{settings.metrics_port}: {exc}")
        return asyncio.run(_supervise(settings))


async def _supervise(settings: Settings) -> int:
    workers = [_Worker(number, settings) for number in range(settings.workers)]
    signals: asyncio.Queue[int] = asyncio.Queue()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, signals.put_nowait, number)
    lives = [asyncio.create_task(worker.keep()) for worker in workers]
    everyone = asyncio.gather(*lives)
    # Before a signal only a worker that can't start at all ends for good.
    await asyncio.wait([*lives, asyncio.create_task(signals.get())], return_when=asyncio.FIRST_COMPLETED)
    while not everyone.done():
        for worker in workers:
            worker.stop()
        again = asyncio.create_task(signals.get())
        await asyncio.wait((everyone, again), return_when=asyncio.FIRST_COMPLETED)
        again.cancel()
    codes = everyone.result()
    return next((code for code in (CAN_NOT_START, CUT) if code in codes), DONE)


class _Worker:
    """One process, and the ones that come after it."""

    def __init__(self, number: int, settings: Settings) -> None:
        port = settings.port if settings.shared_port or not settings.port else settings.port + number
        self._number = number
        self._variables = replace(settings, port=port, workers=1, metrics_port=0).as_variables()
        self._process: Process | None = None
        self._stopping = asyncio.Event()

    async def keep(self) -> int:
        """Run the process, and run it again whenever it dies, until it is told to stop; give its last exit code."""
        loop = asyncio.get_running_loop()
        back_off, has_lived = FIRST_BACK_OFF_S, False
        while True:
            begin = loop.time()
            self._process = await self._start()
            code = await self._process.wait()
            mark_process_dead(self._process.pid)
            if self._stopping.is_set():
                return code if code in (DONE, CAN_NOT_START) else CUT
            if code == CAN_NOT_START and not has_lived:
                return code
            has_lived = True
            if loop.time() - begin > STEADY_S:
                back_off = FIRST_BACK_OFF_S
            told = "worker %d (pid %d) ended with %d: starts again in %g s"
            log.error(told, self._number, self._process.pid, code, back_off)
            if await self._stopped_within(back_off):
                return DONE
            back_off = min(2 * back_off, MAX_BACK_OFF_S)

    def stop(self) -> None:
        """Hand a signal on: the first drains the worker, the second ends it at once."""
        self._stopping.set()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()

    async def _start(self) -> Process:
        # A session of its own: Ctrl-C in a terminal must not reach the worker past this process, as a second signal.
        # The pipe tells the worker when this process is gone.
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "audiowriter_server.runtime.worker_main",
            env={**os.environ, **self._variables},
            stdin=PIPE,
            start_new_session=True,
        )

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True
