"""Runs encode calls: short ones on the event loop, long ones in a thread pool.

Work is done in steps. A step encodes one slice, which takes about 10 ms of CPU time. A stream runs at most one step at a
time.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ..telemetry.call_record import CallRecord
from .session import Session

INLINE_MS = 2.0
"""Maximum estimated time, in ms, of an encode call on the event loop. It delays all other streams by this time."""

INLINE_FIRST_BYTES = 4096
"""The same limit for the PCM in the first message, for which there is no estimate yet."""

INLINE_FINISH_SECONDS = 600.0
"""Maximum length of a stream whose end is encoded on the event loop. M4A lists every frame at the end, which takes 15 to
35 ms for ten hours of audio."""

_Result = TypeVar("_Result")


class Scheduler:
    """Runs steps on the event loop or in its thread pool. One instance per process."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, "encode")

    def inline(self, steps: Iterator[list[_Result]], record: CallRecord) -> list[_Result]:
        """Run all steps on the event loop; return the results of all steps in one list."""
        begin = time.perf_counter()
        try:
            return [result for results in steps for result in results]
        finally:
            record.encode_seconds += time.perf_counter() - begin

    async def pooled(self, steps: Iterator[list[_Result]], record: CallRecord) -> list[_Result] | None:
        """Run one step in the pool. Returns None if there are no more steps.

        When this task is cancelled, it does not wait for the thread, which cannot be stopped. The encoder frees its memory
        when the step ends.
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
    """Whether to encode a request with this many bytes of PCM on the event loop."""
    if session.encoder is None:
        return pcm_bytes <= INLINE_FIRST_BYTES
    return session.cost_ms(pcm_bytes) <= INLINE_MS


def ends_inline(session: Session) -> bool:
    """Whether to encode the end of a stream on the event loop."""
    return session.input_seconds <= INLINE_FINISH_SECONDS
