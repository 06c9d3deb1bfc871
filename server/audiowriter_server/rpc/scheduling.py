"""Decides where encode calls run: calls that are known to be short on the event loop, all others in a pool of threads.

Work is done in steps. A step encodes one slice, which takes about 10 ms of CPU time and returns about 256 KiB at most. A
stream runs at most one step at a time.
"""

import time
from collections.abc import Callable, Iterator
from math import inf
from typing import TypeVar

from audiowriter_core import AudioEncoder

from ..telemetry.call_record import CallRecord
from .fair_pool import FairPool
from .session import Session
from .turns import Turns

INLINE_MS = 2.0
"""Maximum expected time, in ms, of an encode call on the event loop. It delays all other streams by this time."""

INLINE_FINISH_SECONDS = 600.0
"""Maximum length of a stream whose end is encoded on the event loop. M4A lists every frame at the end, which takes 15 to
35 ms for ten hours of audio."""

SLOW_MS = 4.0
"""A call on the event loop that takes longer than this is suspected to have been expected wrongly."""

SUSPECT_CALLS = 16
"""Calls of a suspected stream whose CPU time is measured. On a busy machine, most slow calls were only interrupted. Reading
the CPU time of a thread is a system call, so it is not always measured."""

POOL_CALLS = 64
"""Calls of a stream that run in the pool after a slow one."""

LEARNED_SECONDS = 0.5
"""Seconds of audio after which a stream's measured cost replaces the estimate."""

HEAVY_SHARE = 0.5
"""A caller that uses more than this share of the event loop's time loses its right to it while other callers are there."""

_RECENT_BYTES = 1024 * 1024

_Result = TypeVar("_Result")


class StreamCost:
    """What the calls of one stream have taken so far, and what the next one is expected to take."""

    def __init__(self) -> None:
        self._call_ms = 0.0
        self._ms = 0.0
        self._bytes = 0
        self._suspect_calls = 0
        self._pool_calls = 0

    @property
    def clock(self) -> Callable[[], float]:
        """The clock to measure a call on the event loop with, in seconds."""
        return time.thread_time if self._suspect_calls else time.perf_counter

    def expected_ms(self, encoder: AudioEncoder | None, pcm_bytes: int) -> float:
        """Return the expected time of a call with this much PCM, in ms. Longer than a slice: infinity."""
        if encoder is None:
            return 0.0  # the call will be refused
        estimate = encoder.cost
        if pcm_bytes > estimate.slice_bytes:
            return inf
        if encoder.input_bytes < LEARNED_SECONDS * estimate.bytes_per_second or not self._bytes:
            return pcm_bytes * estimate.ms_per_byte
        return pcm_bytes * self._ms / self._bytes

    @property
    def slow(self) -> bool:
        """Whether a recent call took more CPU time than SLOW_MS, though it was expected to be short."""
        return self._pool_calls > 0

    def add(self, seconds: float) -> None:
        """Count the time of one step of a call."""
        self._call_ms += seconds * 1000

    def end_call(self, pcm_bytes: int, expected_ms: float) -> float:
        """Count a call whose steps have all run; return its time in ms."""
        if self._pool_calls:
            self._pool_calls -= 1
        slow = self._call_ms > SLOW_MS and expected_ms <= INLINE_MS
        if self._suspect_calls:
            self._suspect_calls -= 1
            if slow:
                self._suspect_calls, self._pool_calls = 0, POOL_CALLS
        elif slow:
            self._suspect_calls = SUSPECT_CALLS
        call_ms, self._call_ms = self._call_ms, 0.0
        self._ms += call_ms
        self._bytes += pcm_bytes
        if self._bytes > _RECENT_BYTES:  # so that recent calls count more
            self._ms, self._bytes = self._ms / 2, self._bytes // 2
        return call_ms


class Scheduler:
    """Runs steps on the event loop or in its thread pool. One instance per process."""

    def __init__(self, threads: int) -> None:
        self.turns = Turns()
        self._pool = FairPool(threads)
        self._inline_s: dict[str, float] = {}
        self._heavy: frozenset[str] = frozenset()
        self._second = 0.0

    def is_inline(self, cost: StreamCost, caller: str, expected_ms: float) -> bool:
        """Whether to run a call on the event loop."""
        return expected_ms <= INLINE_MS and not cost.slow and caller not in self._heavy

    def inline(self, steps: Iterator[list[_Result]], record: CallRecord, cost: StreamCost) -> list[_Result]:
        """Run all steps on the event loop; return the results of all steps in one list."""
        clock = cost.clock
        begin = clock()
        try:
            return [result for results in steps for result in results]
        finally:
            seconds = clock() - begin
            record.encode_seconds += seconds
            cost.add(seconds)
            self._count(record.caller, seconds)

    async def pooled(
        self, steps: Iterator[list[_Result]], record: CallRecord, cost: StreamCost
    ) -> list[_Result] | None:
        """Run one step in the pool. Returns None if there are no more steps.

        When this task is cancelled, it does not wait for the thread, which cannot be stopped. The encoder frees its memory
        when the step ends.
        """
        return await self.in_pool(record.caller, _step, steps, record, cost)

    async def in_pool(self, caller: str, work: Callable[..., _Result], *arguments: object) -> _Result:
        """Run one call in the pool, when it is the caller's turn."""
        return await self._pool.run(caller, work, *arguments)

    def _count(self, caller: str, seconds: float) -> None:
        """Count time on the event loop. Once a second, find the callers that use too much of it."""
        self._inline_s[caller] = self._inline_s.get(caller, 0.0) + seconds
        now = time.monotonic()
        if (passed := now - self._second) < 1:
            return
        used, self._inline_s, self._second = self._inline_s, {}, now
        heavy = (name for name, total in used.items() if total > HEAVY_SHARE * passed)
        self._heavy = frozenset(heavy) if len(used) > 1 else frozenset()
        for name, total in used.items():
            self._pool.charge(name, total)


def _step(steps: Iterator[list[_Result]], record: CallRecord, cost: StreamCost) -> list[_Result] | None:
    begin, begin_cpu = time.perf_counter(), time.thread_time()
    try:
        return next(steps, None)
    finally:
        record.encode_seconds += time.perf_counter() - begin
        cost.add(time.thread_time() - begin_cpu)  # in the pool, the time that passes is mostly that of other threads


def ends_inline(session: Session, cost: StreamCost) -> bool:
    """Whether to encode the end of a stream on the event loop.

    Codec and resampler hold samples until the end: AAC with 5 channels takes 60 ms for those of a resampler at 7350 Hz.
    """
    if session.input_seconds > INLINE_FINISH_SECONDS or cost.slow:
        return False
    return cost.expected_ms(session.encoder, session.held_bytes) <= INLINE_MS
