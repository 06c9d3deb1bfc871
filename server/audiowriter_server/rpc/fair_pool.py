"""A thread pool in which callers take turns: the one that has used the least CPU time runs next."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

_MAX_CALLERS = 1024
"""Callers whose use is remembered while they wait for nothing."""

_Result = TypeVar("_Result")
_Outcome = tuple[Any, BaseException | None, float]
_Work = tuple["asyncio.Future[Any]", Callable[[], Any]]


class FairPool:
    """Runs calls in threads. Use it from one event loop only.

    Each caller has a clock that advances by the CPU time of its calls (start-time fair queueing; Goyal, Vin and Cheng,
    1996). A caller that was idle starts at the clock of the calls that run now, so it cannot save up CPU time.
    """

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, "encode")
        self._free = threads
        self._waiting: dict[str, deque[_Work]] = {}
        self._clocks: dict[str, float] = {}
        self._now = 0.0

    async def run(self, caller: str, work: Callable[..., _Result], *arguments: object) -> _Result:
        """Run one call when it is the caller's turn. Cancelling this task does not stop a call that runs already."""
        future: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        call = partial(work, *arguments)
        if self._free:
            self._start(caller, (future, call))
        else:
            self._waiting.setdefault(caller, deque()).append((future, call))
        return await future

    def charge(self, caller: str, seconds: float) -> None:
        """Advance the caller's clock by CPU time that it used elsewhere."""
        self._clocks[caller] = max(self._clocks.get(caller, 0.0), self._now) + seconds
        if len(self._clocks) > _MAX_CALLERS:
            self._clocks = {name: clock for name, clock in self._clocks.items() if clock > self._now}

    def _start(self, caller: str, waiting: _Work) -> None:
        future, call = waiting
        self._free -= 1
        self._now = max(self._now, self._clocks.get(caller, 0.0))
        loop = future.get_loop()

        def ended(done: "Future[_Outcome]") -> None:
            with suppress(RuntimeError):  # the event loop was closed: the process ends
                loop.call_soon_threadsafe(self._ended, caller, future, done.result())

        self._threads.submit(_timed, call).add_done_callback(ended)

    def _ended(self, caller: str, future: "asyncio.Future[Any]", outcome: _Outcome) -> None:
        result, error, seconds = outcome
        self._free += 1
        self.charge(caller, seconds)
        self._start_next()
        if future.done():  # the waiting task was cancelled
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def _start_next(self) -> None:
        while self._free and self._waiting:
            caller = min(self._waiting, key=lambda name: self._clocks.get(name, 0.0))
            queue = self._waiting[caller]
            waiting = queue.popleft()
            if not queue:
                del self._waiting[caller]
            if not waiting[0].done():
                self._start(caller, waiting)


def _timed(call: Callable[[], _Result]) -> tuple[_Result | None, BaseException | None, float]:
    """Return the result or the exception, and the CPU time in seconds. Never raises."""
    begin = time.thread_time()
    try:
        return call(), None, time.thread_time() - begin
    except BaseException as error:
        return None, error, time.thread_time() - begin
