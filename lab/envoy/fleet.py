"""Three workers behind one name that are killed or restarted, and what they have done until then."""

import os
import signal
from collections import Counter
from contextlib import ExitStack
from typing import Self

from support.metrics import Metrics
from support.server import ServerProcess

from lab.envoy.envoy import free_ports
from lab.faults.watch import cpu_seconds

ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")


class Fleet:
    """Workers on one port of different addresses. A worker that has ended is started again on its address.

    `ended`: calls of workers that were restarted, by status and reason. A killed worker logs no calls.
    """

    def __init__(self, *flags: str) -> None:
        (self.port,) = free_ports(1)
        self.ended: Counter[str] = Counter()
        self._flags = flags
        self._resources = ExitStack()
        self._past_cpu_s = 0.0  # of workers that have ended, less what all workers needed to start
        self._past_audio_s: Counter[str] = Counter()
        self._metrics = [Metrics() for _ in ADDRESSES]
        self._workers = [self._start(number) for number in range(len(ADDRESSES))]

    @property
    def targets(self) -> list[str]:
        return [worker.target for worker in self._workers]

    def restart(self, number: int, how: signal.Signals) -> None:
        """End a worker with SIGTERM or SIGKILL, and start another one in its place. Blocks until that one listens."""
        worker = self._workers[number]
        published = self._audio_s(number)  # up to a second old
        worker.signal(how)
        # Not waited for yet: the CPU time of a zombie can still be read.
        os.waitid(os.P_PID, worker.process.pid, os.WEXITED | os.WNOWAIT)
        self._past_cpu_s += cpu_seconds(worker.process.pid)
        worker.wait()
        self.ended.update(f"{call['code']} ({call.get('reason', '')})" for call in worker.calls())
        if how == signal.SIGTERM:
            published = Counter()
            for call in worker.calls():
                published[call.get("format", "none")] += call["audio_seconds"]
        self._past_audio_s.update(published)
        self._workers[number] = self._start(number)

    def cpu_s(self) -> float:
        """Return the CPU time of all workers so far in seconds, without that of their starts."""
        return self._past_cpu_s + sum(cpu_seconds(worker.process.pid) for worker in self._workers)

    def audio_s(self) -> Counter[str]:
        """Return the seconds of audio that all workers have received so far, by format."""
        return sum((self._audio_s(number) for number in range(len(ADDRESSES))), self._past_audio_s)

    def _audio_s(self, number: int) -> Counter[str]:
        samples = self._metrics[number].read().items()
        return Counter({key[1]: value for key, value in samples if key[0] == "audiowriter_audio_seconds_total"})

    def _start(self, number: int) -> ServerProcess:
        flags = (f"--host={ADDRESSES[number]}", f"--port={self.port}", self._metrics[number].flag, *self._flags)
        worker = self._resources.enter_context(ServerProcess(*flags))
        self._past_cpu_s -= cpu_seconds(worker.process.pid)
        return worker

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()
