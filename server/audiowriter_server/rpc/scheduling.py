"""Decides where encode calls run: calls that are known to be short on the event loop, all others in a pool of threads.

Work is done in steps. A step encodes one slice, which takes about 10 ms of CPU time and returns about 256 KiB at most. A
stream runs at most one step at a time. Callers take turns on the event loop (turns.py) and in the pool (fair_pool.py).
"""

import time
from collections.abc import Callable
from math import inf
from typing import TypeVar

from audiowriter_core import AudioEncoder
from audiowriter_core.cost import Cost

from ..telemetry.call_record import CallRecord
from .fair_pool import FairPool
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

CHARGED_MS = 0.1
"""Time, in ms, beyond the expected that a caller is charged for. Less is within the accuracy of MESSAGE_MS."""

POOL_CALLS = 64
"""Calls of a stream that run in the pool after a slow one."""

LEARNED_SECONDS = 0.5
"""Seconds of audio after which a stream's measured cost replaces the estimate."""

_RECENT_BYTES = 1024 * 1024

_Result = TypeVar("_Result")


class StreamCost:
    """What the calls of one stream have taken so far, and what the next one is expected to take."""

    def __init__(self, estimate: Cost) -> None:
        self._slice_bytes = self._inline_bytes = estimate.slice_bytes
        self._ms_per_byte = estimate.ms_per_byte
        self._learned_bytes = round(LEARNED_SECONDS * estimate.bytes_per_second)
        self._next_learned = self._learned_bytes
        self._ms = 0.0
        self._bytes = 0
        self._slow_ms = SLOW_MS
        self._suspect_calls = 0
        self._pool_calls = 0
        self.pool_ms = 0.0
        """CPU time, in ms, of the steps in the pool since the last call of `add_pooled`."""
        self.clock: Callable[[], float] = time.perf_counter
        """The clock to measure a call on the event loop with, in seconds."""

    def expected_ms(self, pcm_bytes: int) -> float:
        """Return the expected time of a call with this much PCM, in ms.

        Infinity if it is longer than a slice, or if a recent call took more CPU time than SLOW_MS, though it was expected to
        be short.
        """
        return pcm_bytes * self._ms_per_byte if pcm_bytes <= self._inline_bytes else inf

    def add_inline(self, record: CallRecord, pcm_bytes: int, begin: float) -> float:
        """Count a call on the event loop; return how many ms longer it took than expected.

        `begin`: the reading of `clock` at its start.
        """
        seconds = self.clock() - begin
        record.encode_seconds += seconds
        ms = seconds * 1000
        excess_ms = ms - pcm_bytes * self._ms_per_byte
        if ms > self._slow_ms:
            self._suspect(ms > SLOW_MS and ms - excess_ms <= INLINE_MS)
        self._ms += ms
        self._bytes += pcm_bytes
        if self._bytes >= self._next_learned:
            self._learn()
        return excess_ms

    def add_pooled(self, pcm_bytes: int) -> None:
        """Count a call whose steps ran in the pool."""
        self._ms += self.pool_ms
        self._bytes += pcm_bytes
        self.pool_ms = 0.0
        if self._bytes >= self._next_learned:
            self._learn()
        if self._pool_calls:
            self._suspect(slow=False)

    def _learn(self) -> None:
        self._ms_per_byte = self._ms / self._bytes
        if self._bytes > _RECENT_BYTES:  # so that recent calls count more
            self._ms, self._bytes = self._ms / 2, self._bytes // 2
        self._next_learned = self._bytes + self._learned_bytes

    def _suspect(self, slow: bool) -> None:
        if self._pool_calls:
            self._pool_calls -= 1
        elif self._suspect_calls:
            self._suspect_calls -= 1
            if slow:
                self._suspect_calls, self._pool_calls = 0, POOL_CALLS
        elif slow:
            self._suspect_calls = SUSPECT_CALLS
        self.clock = time.thread_time if self._suspect_calls else time.perf_counter
        self._slow_ms = -1.0 if self._suspect_calls or self._pool_calls else SLOW_MS  # -1: count every call
        self._inline_bytes = -1 if self._pool_calls else self._slice_bytes


class Scheduler:
    """Runs steps in a thread pool. One instance per process."""

    def __init__(self, threads: int) -> None:
        self._pool = FairPool(threads)
        self.turns = Turns(self._pool.charge)

    async def pooled(
        self, record: CallRecord, cost: StreamCost, step: Callable[..., _Result], *arguments: object
    ) -> _Result:
        """Run a step in the pool.

        When this task is cancelled, it does not wait for the thread, which cannot be stopped. The encoder frees its memory
        when the step ends.
        """
        return await self.in_pool(record.caller, _timed, record, cost, step, *arguments)

    async def in_pool(self, caller: str, work: Callable[..., _Result], *arguments: object) -> _Result:
        """Run one call in the pool, when it is the caller's turn."""
        return await self._pool.run(caller, work, *arguments)


def _timed(record: CallRecord, cost: StreamCost, step: Callable[..., _Result], *arguments: object) -> _Result:
    begin, begin_cpu = time.perf_counter(), time.thread_time()
    try:
        return step(*arguments)
    finally:
        record.encode_seconds += time.perf_counter() - begin
        # CPU time, because in the pool, the time that passes is mostly that of other threads.
        cost.pool_ms += (time.thread_time() - begin_cpu) * 1000


def ends_inline(encoder: AudioEncoder, cost: StreamCost) -> bool:
    """Whether to encode the end of a stream on the event loop.

    Codec and resampler hold samples until the end: AAC with 5 channels takes 60 ms for those of a resampler at 7350 Hz.
    """
    return encoder.input_seconds <= INLINE_FINISH_SECONDS and cost.expected_ms(encoder.held_bytes) <= INLINE_MS
