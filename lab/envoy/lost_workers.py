"""Sixty streams behind Envoy survive their workers, which are killed, or restarted one after the other.

The clients are those for Python, sync and asyncio, Go and Java, and know only Envoy. Every stream must go on with another
worker, and every file must be that of an undisturbed run.
"""

import signal
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from support.names import Names

from lab.envoy import commands
from lab.envoy.envoy import Envoy
from lab.envoy.fleet import ADDRESSES, Fleet
from lab.faults.lost_servers import DRAIN
from lab.faults.speakers import Speakers

STREAMS = 60
INTERVAL_S = 5.0
EXPECTED = ("OK ()", "UNAVAILABLE (DRAIN_TIMEOUT_EXCEEDED)", "UNAVAILABLE (DRAINING)")


def run(seconds: float) -> bool:
    """Kill a worker every 5 s for `seconds`, then restart all of them. True if no stream was lost and no file differs."""
    kills = max(1, round(seconds / INTERVAL_S))
    with TemporaryDirectory() as name:
        clients = [build(folder := Path(name)) for build in (commands.go, commands.java)]
        killed = _run(signal.SIGKILL, kills, clients, folder / "killed")
        restarted = _run(signal.SIGTERM, len(ADDRESSES), clients, folder / "restarted")
    return killed and restarted


def _run(how: signal.Signals, restarts: int, clients: Sequence[commands.Arguments], folder: Path) -> bool:
    with Fleet(DRAIN) as fleet, Names(ADDRESSES) as names, Envoy(names, fleet.port) as envoy:
        envoy.wait_until_healthy(*fleet.targets)
        others = commands.speakers(clients, envoy.target, folder)
        with Speakers(envoy.target, STREAMS - len(others), others) as speakers:
            time.sleep(INTERVAL_S)
            calm_s = speakers.take_silence_s()
            due = time.monotonic()
            for number in range(restarts):
                time.sleep(max(0.0, due - time.monotonic()))
                due = time.monotonic() + INTERVAL_S
                fleet.restart(number % len(ADDRESSES), how)
                if how == signal.SIGTERM:  # whoever restarts servers on purpose waits until each is ready
                    envoy.wait_until_healthy(*fleet.targets)
            time.sleep(max(0.0, due - time.monotonic()))
        silence_s, cpu_s, received_s = speakers.take_silence_s(), fleet.cpu_s(), fleet.audio_s()
    differing = speakers.differing
    replayed = received_s - speakers.audio_s()
    replay_cpu_s = sum(replayed[name] * cost for name, cost in speakers.cpu_per_s().items())
    moved = sum(str(call["path"]).endswith("/EncodeStream") for call in envoy.calls) - STREAMS
    print(
        f"{restarts} x {how.name}: streams lost: {len(speakers.lost)} of {STREAMS}; "
        f"files that differ: {len(differing)}; resumed calls: {moved}; "
        f"longest silence of a listener: {silence_s:.2f} s, before the first signal {calm_s:.2f} s; "
        f"replayed: {replayed.total():.0f} s of audio in {replay_cpu_s:.1f} s of CPU, "
        f"{replay_cpu_s / cpu_s:.0%} of what the workers needed"
    )
    faults = {
        "lost": Counter(speakers.lost),
        "differing": Counter(differing),
        "ended by a restart": Counter({status: n for status, n in fleet.ended.items() if status not in EXPECTED}),
        "restarts that moved no stream": Counter({how.name: restarts - moved} if moved < restarts else ()),
    }
    for fault, found in faults.items():
        for text, count in found.items():
            print(f"FAULT: {fault}: {count} x {text}")
    return not any(faults.values())
