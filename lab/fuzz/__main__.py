"""`make lab-fuzz`: random calls to a server with 768 MiB of memory; fail if it is harmed, or answers as no server may."""

import argparse
import os
import random
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
from support.server import channel_to

from lab.faults.beside import Beside
from lab.faults.memory import FLAG, LIMIT_BYTES
from lab.faults.watch import MB, Setting, Watched
from lab.fuzz.caller import Harm, call
from lab.fuzz.plans import Plan, any_plan
from lab.fuzz.room import memory_cgroup, peak_bytes, places, program

CALLERS = 12
_CALLS_PER_CONNECTION = 40
_BURST, _BURSTS = 90, 0.03
"""Calls at once on one connection, and how often. All callers together then need more memory than the server has."""
_FLAGS = (FLAG, "--first-message-timeout=3", "--idle-timeout=5", "--stalled-reader-timeout=3")
_DESCRIPTORS = 8
"""Descriptors that the server may keep: connections of clients close a little later than their calls."""


class Fuzz:
    """The callers, and what they saw."""

    def __init__(self, server: Watched, seed: int, seconds: float) -> None:
        self._server, self._seed, self._end = server, seed, time.monotonic() + seconds
        self._lock = threading.Lock()
        self.seen: Counter[tuple[str, str]] = Counter()
        self.harms: list[str] = []

    def run(self) -> None:
        """Make calls from all callers until the time is over, or one is harmed."""
        with ThreadPoolExecutor(CALLERS) as pool:
            for _ in pool.map(self._calls, range(CALLERS)):
                pass

    def _calls(self, caller: int) -> None:
        dice = random.Random(f"{self._seed} {caller}")
        while time.monotonic() < self._end and not self.harms:
            with channel_to(self._server) as channel:
                for _ in range(_CALLS_PER_CONNECTION):
                    burst = _BURST if dice.random() < _BURSTS else 1
                    plans = [any_plan(dice) for _ in range(burst)]
                    threads = [threading.Thread(target=self._one, args=(channel, plan)) for plan in plans]
                    for thread in threads:
                        thread.start()
                    for thread in threads:
                        thread.join()
                    if time.monotonic() > self._end or self.harms:
                        break

    def _one(self, channel: grpc.Channel, plan: Plan) -> None:
        try:
            status = call(channel, plan)
        except Exception as error:
            text = str(error) if isinstance(error, Harm) else f"{type(error).__name__}: {error}"
            with self._lock:
                self.harms.append(text)
            return
        with self._lock:
            self.seen[plan.method.rpartition(".")[2], status] += 1


def main() -> int:
    """Print a table of methods and statuses; return 1 if the server was harmed."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="duration")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)), help="repeats the calls of a run")
    options = parser.parse_args()
    print(f"SEED={options.seed} repeats the calls", flush=True)
    with memory_cgroup() as group, TemporaryDirectory() as name:
        held_by = f"the kernel, cgroup {group}" if group else "this program, which watches the resident size"
        print(f"memory limit: {LIMIT_BYTES / MB:.0f} MB, held by {held_by}", flush=True)
        setting = Setting(_FLAGS, program=program(group))
        with Watched(setting, Path(name)) as server:
            harms, fuzz, peak = _fuzz(server, options.seed, options.seconds)
        traces = [line for line in server.log if line.get("level") not in ("info", "warning")]
        harms += [f"logged: {line}" for line in traces[:3]]
    _print(fuzz, peak)
    for harm in harms[:10]:
        print(f"HARM: {harm}")
    return 1 if harms else 0


def _fuzz(server: Watched, seed: int, seconds: float) -> tuple[list[str], Fuzz, int]:
    before, descriptors = places(server), server.descriptor_count()
    fuzz = Fuzz(server, seed, seconds)
    try:
        with Beside(server.target):
            fuzz.run()
        server.settle()
        peak = peak_bytes(server)
        after, more = places(server), server.descriptor_count() - descriptors
    except Exception as error:
        peak = server.most[0]
        return [f"{type(error).__name__}: {error}", *fuzz.harms], fuzz, peak
    harms = fuzz.harms
    if peak > LIMIT_BYTES:
        harms.append(f"the server took {peak / MB:.0f} MB")
    if after < before:
        harms.append(f"{before} streams fitted into the memory before, and {after} after the calls")
    if more > _DESCRIPTORS:
        harms.append(f"{more} more open files")
    server.signal()
    if code := server.wait():
        harms.append(f"the server ended with {code}")
    print(f"{before} streams fitted into the memory before the calls, {after} after them; exit code {code}")
    return harms, fuzz, peak


def _print(fuzz: Fuzz, peak: int) -> None:
    statuses = sorted({status for _, status in fuzz.seen})
    methods = sorted({method for method, _ in fuzz.seen})
    print(f"{'method':40}" + "".join(f"{status:>21}" for status in statuses))
    for method in methods:
        print(f"{method:40}" + "".join(f"{fuzz.seen[method, status] or '–':>21}" for status in statuses))
    print(f"{fuzz.seen.total()} calls; the server took at most {peak / MB:.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
