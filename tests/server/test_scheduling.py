"""What runs where: the cost of a stream, turns of callers in the pool, and the memory budget."""

import asyncio
import threading
import time
from math import inf
from types import SimpleNamespace
from typing import Any

import pytest
from audiowriter_core import AudioEncoder
from audiowriter_server.errors import MemoryFull
from audiowriter_server.rpc.fair_pool import FairPool
from audiowriter_server.rpc.memory import ENCODER_BYTES, PROCESS_BYTES, MemoryBudget, available_bytes, stream_bytes
from audiowriter_server.rpc.scheduling import (
    INLINE_MS,
    POOL_CALLS,
    SLOW_MS,
    SUSPECT_CALLS,
    StreamCost,
    ends_inline,
)
from audiowriter_server.rpc.session import Session
from audiowriter_server.runtime.settings import MIB, Settings
from support.streams import config


def encoder(name: str, rate: int, **output: Any) -> AudioEncoder:
    return Session().configure(config(name, rate, **output))


def add_inline(cost: StreamCost, pcm_bytes: int, ms: float) -> float:
    record: Any = SimpleNamespace(encode_seconds=0.0)
    excess_ms = cost.add_inline(record, pcm_bytes, cost.clock() - ms / 1000)
    assert record.encode_seconds >= ms / 1000
    return excess_ms


def test_the_first_message_is_expensive_if_its_output_is_large() -> None:
    cheap, expensive = encoder("wav", 24_000), encoder("wav", 1000, out_rate=768_000, out_sample_format="F64LE")
    assert StreamCost(cheap.cost).expected_ms(4096) < INLINE_MS < StreamCost(expensive.cost).expected_ms(4096)


def test_the_expectation_follows_what_calls_took() -> None:
    cost = StreamCost(encoder("wav", 24_000).cost)
    assert add_inline(cost, 48_000, 100.0) == pytest.approx(100, abs=1)  # longer than expected
    assert cost.expected_ms(4800) == pytest.approx(10, rel=0.1)
    cost.pool_ms = 20.0
    cost.add_pooled(48_000)
    assert cost.pool_ms == 0
    assert cost.expected_ms(4800) == pytest.approx(6, rel=0.1)
    assert add_inline(cost, 4800, 5.0) == pytest.approx(-1, abs=0.5)


def test_a_stream_that_was_interrupted_stays_on_the_event_loop() -> None:
    cost = StreamCost(encoder("wav", 24_000).cost)
    add_inline(cost, 960, 2 * SLOW_MS)
    assert cost.clock is time.thread_time
    for _ in range(SUSPECT_CALLS):
        assert cost.expected_ms(960) < INLINE_MS
        add_inline(cost, 960, 0.0)
    assert cost.clock is time.perf_counter


def test_a_stream_that_was_slow_on_the_event_loop_leaves_it_for_a_while() -> None:
    cost = StreamCost(encoder("wav", 24_000).cost)
    for _ in range(2):  # the second time, it is CPU time
        add_inline(cost, 960, 2 * SLOW_MS)
    for _ in range(POOL_CALLS):
        assert cost.expected_ms(960) == inf
        cost.pool_ms = 2 * SLOW_MS
        cost.add_pooled(960)
    assert cost.expected_ms(0) == 0


def test_the_end_of_a_stream_runs_on_the_event_loop_only_if_it_is_short() -> None:
    short, long = encoder("mp3", 24_000), encoder("fmp4", 7350, channels=5, out_rate=32_000)
    for stream in (short, long):
        stream.write(bytes(4800))
    assert ends_inline(short, StreamCost(short.cost))
    assert not ends_inline(long, StreamCost(long.cost))


async def test_callers_take_turns_in_the_pool() -> None:
    pool = FairPool(1)
    ran: list[str] = []
    start = threading.Event()
    blocked = asyncio.ensure_future(pool.run("busy", start.wait))
    await asyncio.sleep(0)
    pool.charge("busy", 1.0)
    waiting = [asyncio.ensure_future(pool.run("busy", ran.append, "busy")) for _ in range(20)]
    await asyncio.sleep(0)
    waiting.append(asyncio.ensure_future(pool.run("other", ran.append, "other")))
    await asyncio.sleep(0)
    start.set()
    await asyncio.gather(blocked, *waiting)
    assert ran[0] == "other"
    assert len(ran) == 21


async def test_a_cancelled_caller_does_not_keep_its_thread() -> None:
    pool = FairPool(1)
    start = threading.Event()
    tasks = [asyncio.ensure_future(pool.run("a", start.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    start.set()
    assert await pool.run("a", int, "7") == 7


async def test_an_exception_of_a_call_reaches_its_caller() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await FairPool(1).run("a", int, "x")


def test_a_call_that_does_not_fit_is_refused() -> None:
    settings = Settings(max_memory_bytes=PROCESS_BYTES + 12 * MIB)
    budget = MemoryBudget(settings)
    size = stream_bytes(settings)
    with budget.reserve(size), budget.reserve(size), pytest.raises(MemoryFull):
        budget.reserve(size)
    assert budget.reserved == 0


def test_a_large_encoder_reserves_what_it_takes() -> None:
    settings = Settings(max_memory_bytes=PROCESS_BYTES + 12 * MIB)
    budget = MemoryBudget(settings)
    resampled = AudioEncoder(format="wav", sample_rate_hz=8000, channels=8, output_sample_rate_hz=192_000)
    with budget.reserve(stream_bytes(settings)) as reservation:
        reservation.add_encoder(AudioEncoder(format="mp3", sample_rate_hz=24_000))
        assert budget.reserved == stream_bytes(settings)
        reservation.add_encoder(resampled)
        assert budget.reserved == stream_bytes(settings) + resampled.cost.memory_bytes - ENCODER_BYTES
        with pytest.raises(MemoryFull):
            reservation.add_encoder(AudioEncoder(format="ogg-flac", sample_rate_hz=24_000))
    assert budget.reserved == 0


def test_the_memory_of_this_machine_is_found() -> None:
    assert 64 * MIB < available_bytes() < 1 << 50
