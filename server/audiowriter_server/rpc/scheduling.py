"""Where encode calls run: short ones on the event loop, long ones in the thread pool.

A stream has one step in progress at most. A step is one slice of work, about 10 ms of CPU time.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ..telemetry.call_record import CallRecord
from .session import Session

INLINE_MS = 2.0
"""An encode call with a higher estimate goes to the pool: one stream may delay all others by this much."""

INLINE_FIRST_BYTES = 4096
"""The same for the PCM in the first message, when there is no estimate yet."""

INLINE_FINISH_SECONDS = 600.0
"""Longest stream whose end runs on the event loop: M4A lists every frame there, 15 to 35 ms for ten hours."""

_Result = TypeVar("_Result")


class Scheduler:
    """One instance per process."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, "encode")

    def inline(self, steps: Iterator[list[_Result]], record: CallRecord) -> list[_Result]:
        """Run all steps on the event loop; return their results joined."""
        begin = time.perf_counter()
        try:
            return [result for results in steps for result in results]
        finally:
            record.encode_seconds += time.perf_counter() - begin

    async def pooled(self, steps: Iterator[list[_Result]], record: CallRecord) -> list[_Result] | None:
        """Run one step in the pool; None when there are no more.

        A cancelled task does not wait for the thread, which it cannot stop: the encoder frees itself when the step ends.
        """
        return await self.in_pool(_step, steps, record)

    async def in_pool(self, work: Callable[..., _Result], *arguments: object) -> _Result:
        """Run one call in the pool."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)


def _step(steps: Iterator[list[_Result]], record: CallRecord) -> list[_Result] | None:
    begin = time.perf_counter()
    try:
        return next(steps, None)
    finally:
        record.encode_seconds += time.perf_counter() - begin


def is_inline(session: Session, pcm_bytes: int) -> bool:
    """Whether a request with so much PCM is encoded on the event loop."""
    if session.encoder is None:
        return pcm_bytes <= INLINE_FIRST_BYTES
    return session.cost_ms(pcm_bytes) <= INLINE_MS


def ends_inline(session: Session) -> bool:
    """Whether the end of a stream is encoded on the event loop."""
    return session.input_seconds <= INLINE_FINISH_SECONDS
