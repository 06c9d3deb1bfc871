"""Simulates how evenly each way of balancing spreads streams over servers. It models arrivals and ends only.

Arrivals are random (Poisson) and streams last as long as telephone calls: Brown et al., "Statistical Analysis of a
Telephone Call Center", JASA 100 (2005), found lognormal service times with a mean of 201 s and a standard deviation of
248 s.
"""

import heapq
import math
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

MEAN_S, DEVIATION_S = 201.0, 248.0
_SIGMA = math.sqrt(math.log(1 + (DEVIATION_S / MEAN_S) ** 2))
_MU = math.log(MEAN_S) - _SIGMA**2 / 2

SERVERS = 20
STREAMS_PER_SERVER = 30
PROXIES = 4
CALLERS = 60
"""Clients of very different sizes (Zipf), with one connection each."""
HOURS = 2.0
WARM_UP_S = 1800.0
RESTART_S = 4500.0
"""Time at which one server is replaced by an empty one."""
SAMPLE_S = 20.0


class Balancer(ABC):
    """Chooses the server of each stream. `live`: number of streams on each server."""

    def __init__(self, live: list[int], rng: random.Random) -> None:
        self.live, self.rng = live, rng

    @abstractmethod
    def pick(self, caller: int) -> int:
        """Choose a server for the caller's next stream."""


class RoundRobin(Balancer):
    """Each client uses the servers in turn and starts with a random one."""

    def __init__(self, live: list[int], rng: random.Random) -> None:
        super().__init__(live, rng)
        self._next = [rng.randrange(len(live)) for _ in range(CALLERS)]

    def pick(self, caller: int) -> int:
        self._next[caller] = (self._next[caller] + 1) % len(self.live)
        return self._next[caller]


class Pinned(Balancer):
    """A connection stays with its first server, as with a load balancer for connections."""

    def __init__(self, live: list[int], rng: random.Random) -> None:
        super().__init__(live, rng)
        self._server = [rng.randrange(len(live)) for _ in range(CALLERS)]

    def pick(self, caller: int) -> int:
        return self._server[caller]


class LeastRequest(Balancer):
    """The better of two random servers; each proxy counts only its own streams."""

    proxies = 1

    def __init__(self, live: list[int], rng: random.Random) -> None:
        super().__init__(live, rng)
        self.own = [[0] * len(live) for _ in range(self.proxies)]

    def pick(self, caller: int) -> int:
        own = self.own[caller % self.proxies]
        first, second = self.rng.randrange(len(own)), self.rng.randrange(len(own))
        return first if own[first] <= own[second] else second


class LeastRequestOfSeveral(LeastRequest):
    """The same, with the clients spread over several proxies."""

    proxies = PROXIES


class FullScan(LeastRequest):
    """The server with the fewest streams of all, by one proxy that counts all streams."""

    def pick(self, caller: int) -> int:
        least = min(self.own[0])
        return self.rng.choice([server for server, count in enumerate(self.own[0]) if count == least])


WAYS: dict[str, Callable[[list[int], random.Random], Balancer]] = {
    "least request, all servers": FullScan,
    "least request, two random servers (ours)": LeastRequest,
    f"the same with {PROXIES} proxies": LeastRequestOfSeveral,
    "round robin in each client": RoundRobin,
    "pinned connections": Pinned,
}


@dataclass
class Run:
    """`spread`: most streams on a server over the mean. `restarted`: those of the restarted server over the mean."""

    times: list[float] = field(default_factory=list)
    spread: list[float] = field(default_factory=list)
    restarted: list[float] = field(default_factory=list)

    def mean(self) -> float:
        """Return the mean of the spread before the restart."""
        return sum(self._before()) / len(self._before())

    def worst(self) -> float:
        """Return the 99th percentile of the spread before the restart."""
        return sorted(self._before())[int(0.99 * len(self._before()))]

    def filled_s(self) -> float:
        """Return the time until the restarted server had 80 % of its share of the streams."""
        after = zip(self.times, self.restarted, strict=True)
        return next((at - RESTART_S for at, share in after if at > RESTART_S and share >= 0.8), math.inf)

    def _before(self) -> Sequence[float]:
        return [one for at, one in zip(self.times, self.spread, strict=True) if at <= RESTART_S]


def simulate(way: str) -> Run:
    """Simulate one way of balancing; arrivals and durations are the same for all ways."""
    arrivals, choices = random.Random(1), random.Random(2)
    live = [0] * SERVERS
    balancer = WAYS[way](live, choices)
    shares = [1 / rank for rank in range(1, CALLERS + 1)]
    rate = SERVERS * STREAMS_PER_SERVER / MEAN_S
    ends: list[tuple[float, int, int, int]] = []
    generation = [0] * SERVERS
    run, now, due, restarted = Run(), 0.0, WARM_UP_S, False
    while now < HOURS * 3600:
        now += arrivals.expovariate(rate)
        length, caller = arrivals.lognormvariate(_MU, _SIGMA), arrivals.choices(range(CALLERS), shares)[0]
        while ends and ends[0][0] <= now:
            _, server, born, proxy = heapq.heappop(ends)
            if born == generation[server]:
                _count(balancer, server, proxy, -1)
        if now >= RESTART_S and not restarted:
            restarted = True
            generation[0] += 1
            live[0] = 0
            for own in getattr(balancer, "own", []):
                own[0] = 0
        if now >= due:
            run.times.append(now)
            run.spread.append(max(live) / (sum(live) / SERVERS))
            run.restarted.append(live[0] / (sum(live) / SERVERS))
            due += SAMPLE_S
        server = balancer.pick(caller)
        _count(balancer, server, caller, 1)
        heapq.heappush(ends, (now + length, server, generation[server], caller))
    return run


def _count(balancer: Balancer, server: int, caller: int, change: int) -> None:
    balancer.live[server] += change
    if isinstance(balancer, LeastRequest):
        balancer.own[caller % balancer.proxies][server] += change
