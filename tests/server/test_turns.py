"""Turns of callers on the event loop."""

import asyncio

import pytest
from audiowriter_server.rpc.turns import COUNTED_MS, PASS_MS, Turns

MS = PASS_MS / 5


def ignore(caller: str, seconds: float) -> None: ...


async def test_the_time_of_each_caller_is_accounted_for() -> None:
    spent = dict.fromkeys("ab", 0.0)

    def account(caller: str, seconds: float) -> None:
        spent[caller] += seconds

    turns = Turns(account)
    await asyncio.gather(*(turns.turn(caller, MS) for caller in "aab" for _ in range(20)))
    await asyncio.sleep(0.01)
    assert spent == pytest.approx({"a": 40 * MS / 1000, "b": 20 * MS / 1000})


async def test_a_few_messages_do_not_cost_a_pass_each() -> None:
    passes: list[str] = []
    turns = Turns(lambda caller, seconds: passes.append(caller))
    for _ in range(20):
        assert turns.take("live", COUNTED_MS / 10)
        await asyncio.sleep(0)
    assert len(passes) == 1


async def test_a_caller_does_not_wait_for_the_messages_of_another() -> None:
    turns = Turns(ignore)
    ran: list[str] = []

    async def work(caller: str) -> None:
        await turns.turn(caller, MS)
        ran.append(caller)

    busy = [asyncio.ensure_future(work("busy")) for _ in range(50)]
    await asyncio.sleep(0)
    assert len(ran) == 5, "one pass"
    await work("other")
    await asyncio.gather(*busy)
    assert ran.index("other") == 5
    assert len(ran) == 51


async def test_a_pass_is_bounded_and_no_message_is_forgotten() -> None:
    turns = Turns(ignore)
    per_pass = [0]

    async def work() -> None:
        await turns.turn("busy", MS)
        per_pass[-1] += 1

    tasks = [asyncio.ensure_future(work()) for _ in range(100)]
    while not all(task.done() for task in tasks):
        per_pass.append(0)
        await asyncio.sleep(0)
    assert max(per_pass) <= 5
    assert sum(per_pass) == 100


async def test_callers_share_a_pass() -> None:
    turns = Turns(ignore)
    for caller in "ab":
        assert turns.take(caller, MS)
    await asyncio.sleep(0)
    taken = {caller: [turns.take(caller, MS) for _ in range(5)].count(True) for caller in "ab"}
    assert taken == {"a": 2, "b": 2}


async def test_work_that_takes_longer_than_its_share_still_runs() -> None:
    turns = Turns(ignore)
    await asyncio.wait_for(asyncio.gather(*(turns.turn("slow", 3 * PASS_MS) for _ in range(5))), 5)


async def test_work_that_took_longer_than_expected_uses_up_the_pass() -> None:
    turns = Turns(ignore)
    assert turns.take("slow", MS)
    turns.charge("slow", PASS_MS)
    assert not turns.take("slow", MS)
    assert turns.take("other", MS)


async def test_a_cancelled_call_does_not_keep_its_turn() -> None:
    turns = Turns(ignore)
    tasks = [asyncio.ensure_future(turns.turn("busy", PASS_MS)) for _ in range(10)]
    await asyncio.sleep(0)
    for task in tasks[1:-1]:
        task.cancel()
    await asyncio.wait(tasks, timeout=5)
    assert tasks[-1].done()
    assert not tasks[-1].cancelled()
