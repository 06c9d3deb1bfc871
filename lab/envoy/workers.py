"""Sixty streams on one connection, while one worker is killed, one is drained and one is added.

All workers listen on the same port of different addresses, and Envoy finds them by name, as in a cluster. A worker that
drains is removed from the name immediately; a killed worker stays in it until it is detected. The clients do not resume
their streams, and the drain is long enough for all of them.

Prints the result of every stream; True if everything is as expected.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import grpc
import grpc.aio
from audiowriter_client import CallFailed
from support.names import Names
from support.server import LIMIT_S, ServerProcess, poll

from lab.envoy.envoy import Envoy, free_ports
from lab.envoy.streams import Stream, open_stream

ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
STREAMS = 60
LATE_STREAMS = 20
MOST_SPREAD = 1.3
ARRIVAL_S = 0.02
CALM_S = 2.0


@dataclass
class Fleet:
    """The servers behind Envoy. Each one is killed, drained, left alone or added."""

    names: Names
    port: int
    killed: ServerProcess
    drained: ServerProcess
    steady: ServerProcess

    @property
    def first(self) -> list[str]:
        return [self.killed.target, self.drained.target, self.steady.target]

    @property
    def added(self) -> str:
        return f"{ADDRESSES[3]}:{self.port}"

    @property
    def fates(self) -> dict[str, str]:
        return dict(zip([*self.first, self.added], ("killed", "drained", "left alone", "added"), strict=True))


def run() -> bool:
    """Start all servers, run the streams, print and check the results."""
    (port,) = free_ports(1)
    with ExitStack() as stack:
        killed, drained, steady = (stack.enter_context(_server(address, port)) for address in ADDRESSES[:3])
        names = stack.enter_context(Names(ADDRESSES[:3]))
        fleet = Fleet(names, port, killed, drained, steady)
        envoy = stack.enter_context(Envoy(names, port))
        envoy.wait_until_healthy(*fleet.first)
        return asyncio.run(_run(fleet, envoy, stack))


def _server(address: str, port: int) -> ServerProcess:
    return ServerProcess(f"--host={address}", f"--port={port}", "--drain-timeout=60")


async def _run(fleet: Fleet, envoy: Envoy, stack: ExitStack) -> bool:
    end = asyncio.Event()
    async with grpc.aio.insecure_channel(envoy.target) as channel:
        early = []
        for number in range(STREAMS):
            early.append(open_stream(channel, f"early-{number}", end))
            # Envoy does not count calls that wait for its first connection to a server, so streams do not start all at
            # once.
            await asyncio.sleep(ARRIVAL_S)
        await _all_started(early)
        live = envoy.live()
        await asyncio.sleep(CALM_S)

        os.kill(fleet.killed.process.pid, signal.SIGKILL)
        fleet.drained.signal(signal.SIGTERM)
        fleet.names.addresses = (ADDRESSES[0], ADDRESSES[2])
        # Immediately, before a health check has reported either server to Envoy.
        late = [open_stream(channel, f"late-{number}", end) for number in range(LATE_STREAMS // 2)]
        await _all_started(late)
        stack.enter_context(await asyncio.to_thread(_server, ADDRESSES[3], fleet.port))
        fleet.names.addresses = ADDRESSES[2:]
        await asyncio.to_thread(envoy.wait_until_healthy, fleet.steady.target, fleet.added)
        later = [open_stream(channel, f"later-{number}", end) for number in range(LATE_STREAMS // 2)]
        await _all_started(later)
        await asyncio.sleep(CALM_S)
        end.set()
        await asyncio.wait_for(asyncio.gather(*(one.task for one in (*early, *late, *later))), LIMIT_S)
        connections = envoy.stat("http.audiowriter.downstream_cx_total")
    drained_code = await asyncio.to_thread(fleet.drained.wait)
    return _judge(fleet, envoy, live, (early, late, later), connections, drained_code)


async def _all_started(streams: Sequence[Stream]) -> None:
    async with asyncio.timeout(LIMIT_S):
        await asyncio.gather(*(one.started.wait() for one in streams))


def _judge(
    fleet: Fleet,
    envoy: Envoy,
    live: dict[str, int],
    groups: tuple[Sequence[Stream], Sequence[Stream], Sequence[Stream]],
    connections: int,
    drained_code: int,
) -> bool:
    """Print the results of the streams, and return whether they are as expected."""
    early, late, later = groups
    streams = [*early, *late, *later]
    poll(lambda: len(envoy.calls) >= len(streams), "the access log does not contain all streams")
    server_of = {call["request_id"]: call["server"] for call in envoy.calls}
    lost = [one for one in streams if one.error is not None]
    spread = max(live.values()) / (STREAMS / len(fleet.first))
    lost_elsewhere = [one for one in lost if server_of[one.request_id] != fleet.killed.target or one not in early]
    cut = [one for one in lost if server_of[one.request_id] == fleet.drained.target]

    print(f"{len(streams)} streams on {connections} connection")
    for server, fate in fleet.fates.items():
        of = [sum(server_of[one.request_id] == server for one in group) for group in groups]
        ended = sum(server_of[one.request_id] == server for one in lost)
        print(f"  {fate:10}  {of[0]:2} early  {of[1]:2} just after  {of[2]:2} after one was added  {ended:2} lost")
    print(f"spread of {STREAMS} streams over 3 workers, max/mean: {spread:.2f} (under {MOST_SPREAD})")
    print(f"streams lost without resume: {len(lost)}, of them on the killed worker: {len(lost) - len(lost_elsewhere)}")
    for text, count in Counter(f"{type(one.error).__name__}: {one.error}" for one in lost).items():
        print(f"  {count} x {text}")
    print(f"streams cut by the drain: {len(cut)}; the drained worker ended with exit code {drained_code}")

    faults = {
        "more than one connection": connections != 1,
        "uneven": spread >= MOST_SPREAD,
        "streams of living workers were lost": bool(lost_elsewhere),
        "a lost stream has no clear status": any(not _is_clear(one) for one in lost),
        "the killed worker's streams did not all end": len(lost) != live[fleet.killed.target],
        "a drained worker cut streams": bool(cut) or drained_code != 0,
        "new streams did not reach the added worker": not any(
            server_of[one.request_id] == fleet.added for one in later
        ),
    }
    for fault in (fault for fault, is_so in faults.items() if is_so):
        print(f"FAULT: {fault}")
    return not any(faults.values())


def _is_clear(stream: Stream) -> bool:
    """Whether the client received the information that the server is gone: from the proxy, or by a reset stream."""
    error = stream.error
    return isinstance(error, CallFailed) and error.code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE)
