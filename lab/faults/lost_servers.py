"""Servers that are lost or restarted under live streams: every stream goes on elsewhere, and no byte differs."""

import signal
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

from support.server import ServerProcess
from support.streams import NAMES

from lab.faults.speakers import Speakers
from lab.faults.watch import Watched

DRAIN = "--drain-timeout=1"
"""Flag of servers that give their streams away when they are restarted, instead of waiting for their end."""
_INTERVAL_S = 3.0
_STREAMS = 2 * len(NAMES)


def lost_servers(server: Watched, tries: int) -> Counter[str]:
    """Kill one of two servers beside this one with SIGKILL every few seconds, and start it again on its port."""
    with ExitStack() as stack:
        servers = [server, *(stack.enter_context(ServerProcess()) for _ in range(2))]
        with Speakers(_target(servers), _STREAMS) as speakers:
            for number in range(tries):
                time.sleep(_INTERVAL_S)
                lost = 1 + number % 2
                servers[lost].signal(signal.SIGKILL)
                servers[lost].wait()
                servers[lost] = stack.enter_context(_again(servers[lost]))
            time.sleep(_INTERVAL_S)
        return _verdict(speakers, servers) + Counter({"kill -9": tries})


def rolling_restart(server: Watched, tries: int) -> Counter[str]:
    """Restart three servers one after the other with SIGTERM; this one is the last. Streams are cut after a second."""
    assert tries == 3
    with ExitStack() as stack:
        old = [*(stack.enter_context(ServerProcess(DRAIN)) for _ in range(2)), server]
        new, cut = [], 0
        with Speakers(_target(old), _STREAMS) as speakers:
            for each in old:
                time.sleep(_INTERVAL_S)
                each.signal(signal.SIGTERM)
                each.wait()
                cut += each.ended("DRAIN_TIMEOUT_EXCEEDED")
                new.append(stack.enter_context(_again(each, DRAIN)))
            time.sleep(_INTERVAL_S)
        return _verdict(speakers, [*old, *new]) + Counter({"restart": tries, "streams cut by drains": cut})


def _target(servers: Sequence[ServerProcess]) -> str:
    return ",".join(server.target for server in servers)


def _again(server: ServerProcess, *flags: str) -> ServerProcess:
    return ServerProcess(f"--port={server.target.rpartition(':')[2]}", *flags)


def _verdict(speakers: Speakers, servers: Sequence[ServerProcess]) -> Counter[str]:
    """Return what the clients saw. Raises AssertionError if a stream was lost or differs."""
    assert not speakers.lost, f"{len(speakers.lost)} lost streams: {speakers.lost[:3]}"
    differing = speakers.differing
    assert not differing, f"{len(differing)} files that differ: {differing}"
    resumed = sum(bool(line.get("resumed")) for server in servers for line in server.calls())
    assert resumed, "no stream was resumed"
    return Counter(
        {
            f"longest silence of a listener {speakers.take_silence_s():.2f} s": 1,
            "streams whole, lost streams 0, files that differ 0": len(speakers),
            "resumed calls": resumed,
        }
    )
