"""Sixty streams behind Envoy survive their workers, which are killed, or restarted one after the other.

The clients know only Envoy. Every stream must go on with another worker, and every file must be that of an undisturbed run.
"""

import os
import signal
import time
from collections import Counter
from contextlib import ExitStack
from typing import Self

from support.names import Names
from support.server import ServerProcess

from lab.envoy.envoy import Envoy, free_ports
from lab.faults.lost_servers import DRAIN
from lab.faults.speakers import Speakers
from lab.faults.watch import cpu_seconds

ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
STREAMS = 60
INTERVAL_S = 5.0
CUT = "UNAVAILABLE (DRAIN_TIMEOUT_EXCEEDED)"


class Fleet:
    """Three workers on one port of different addresses. A worker that has ended is started again on its address.

    `cut`: the calls of restarted workers that did not end with OK, by status and reason. A killed worker logs no calls.
    """

    def __init__(self) -> None:
        (self.port,) = free_ports(1)
        self.cut: Counter[str] = Counter()
        self._resources = ExitStack()
        self._past_cpu_s = 0.0  # of workers that have ended, less what all workers needed to start
        self._workers = [self._start(address) for address in ADDRESSES]

    @property
    def targets(self) -> list[str]:
        return [worker.target for worker in self._workers]

    def restart(self, number: int, how: signal.Signals) -> None:
        """End a worker with a signal, and start another one in its place. Blocks until that one listens."""
        worker = self._workers[number]
        worker.signal(how)
        # Not waited for yet: the CPU time of a zombie can still be read.
        os.waitid(os.P_PID, worker.process.pid, os.WEXITED | os.WNOWAIT)
        self._past_cpu_s += cpu_seconds(worker.process.pid)
        worker.wait()
        self.cut.update(f"{call['code']} ({call.get('reason', '')})" for call in worker.calls() if call["code"] != "OK")
        self._workers[number] = self._start(ADDRESSES[number])

    def cpu_s(self) -> float:
        """Return the CPU time of all workers so far in seconds, without that of their starts."""
        return self._past_cpu_s + sum(cpu_seconds(worker.process.pid) for worker in self._workers)

    def _start(self, address: str) -> ServerProcess:
        worker = self._resources.enter_context(ServerProcess(f"--host={address}", f"--port={self.port}", DRAIN))
        self._past_cpu_s -= cpu_seconds(worker.process.pid)
        return worker

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()


def run(seconds: float) -> bool:
    """Kill a worker every 5 s for `seconds`, then restart all of them. True if no stream was lost and no file differs."""
    return all([_run(signal.SIGKILL, max(1, round(seconds / INTERVAL_S))), _run(signal.SIGTERM, len(ADDRESSES))])


def _run(how: signal.Signals, restarts: int) -> bool:
    with Fleet() as fleet, Names(ADDRESSES) as names, Envoy(names, fleet.port) as envoy:
        envoy.wait_until_healthy(*fleet.targets)
        with Speakers(envoy.target, STREAMS) as speakers:
            begin = fleet.cpu_s(), speakers.audio_s
            time.sleep(INTERVAL_S)
            calm, calm_silence_s = (fleet.cpu_s(), speakers.audio_s), speakers.take_silence_s()
            due = time.monotonic()
            for number in range(restarts):
                time.sleep(max(0.0, due - time.monotonic()))
                due = time.monotonic() + INTERVAL_S
                fleet.restart(number % len(ADDRESSES), how)
                if how == signal.SIGTERM:  # whoever restarts servers on purpose waits until each is ready
                    envoy.wait_until_healthy(*fleet.targets)
            time.sleep(max(0.0, due - time.monotonic()))
        cpu_s = fleet.cpu_s()
    silence_s, differing = speakers.take_silence_s(), speakers.differing
    # Nothing was replayed in the calm seconds, so they show what a second of live audio costs.
    live_s = (calm[0] - begin[0]) / (calm[1] - begin[1]) * speakers.audio_s
    replays_s = max(0.0, cpu_s - live_s)
    moved = sum(str(call["path"]).endswith("/EncodeStream") for call in envoy.calls) - STREAMS
    what = "kill -9 every 5 s" if how == signal.SIGKILL else "rolling restart"
    print(
        f"{what}, {restarts} workers: streams lost: {len(speakers.lost)} of {STREAMS}; files that differ: {len(differing)}; "
        f"resumed calls: {moved}; longest silence of a listener: {silence_s:.2f} s ({calm_silence_s:.2f} s before); "
        f"replays: {replays_s:.1f} s of CPU, {replays_s / cpu_s:.0%} of the workers'"
    )
    faults = {
        "lost": Counter(speakers.lost),
        "differing": Counter(differing),
        "ended by a restart with another status": fleet.cut - Counter({CUT: fleet.cut[CUT]}),
        "restarts that moved no stream": Counter({what: restarts - moved} if moved < restarts else ()),
    }
    for fault, found in faults.items():
        for text, count in found.items():
            print(f"FAULT: {fault}: {count} x {text}")
    return not any(faults.values())
