"""`make lab-faults`: cause each fault on a real server, and check clients, other streams and the server."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.faults import (
    broken,
    calls,
    connections,
    control_frames,
    environment,
    fairness,
    lost_servers,
    memory,
    places,
    processes,
    storm,
)
from lab.faults.soak import soak
from lab.faults.watch import MB, Setting, Watched

MEMORY_LIMIT = 32 * MB
"""Maximum memory that a fault may leave allocated: the allocator keeps what fifty concurrent encoders have used."""


@dataclass(frozen=True)
class Fault:
    """`run` causes the fault `tries` times on a server with `setting`, and returns what the clients saw.

    `waits`: it mostly waits, so other faults run at the same time. `ends`: the server has ended after it.
    """

    name: str
    tries: int
    run: Callable[[Watched, int], Counter[str]]
    setting: Callable[[Path], Setting]
    waits: bool = False
    ends: bool = False


def _with(*flags: str, workers: int = 1) -> Callable[[Path], Setting]:
    return lambda _: Setting(flags, workers=workers)


_LORIS = ("--first-message-timeout=3", "--idle-timeout=3", "--max-connection-age=15")

FAULTS = (
    Fault("half-open connections", 5, connections.half_open, _with("--idle-timeout=600"), waits=True),
    Fault("slow loris", 50, connections.slow_loris, _with(*_LORIS), waits=True),
    Fault("kill -9 of clients", 7, processes.killed_client, _with()),
    Fault("kill -9 of a worker", 3, processes.killed_worker, _with(workers=2)),
    Fault("kill -9 of the server", 7, processes.killed_server, _with(), ends=True),
    Fault("kill -9 of servers, resumed", 4, lost_servers.lost_servers, _with()),
    Fault("rolling restart, resumed", 3, lost_servers.rolling_restart, _with(lost_servers.DRAIN), ends=True),
    Fault("drain under live streams", 50, processes.drain, _with("--drain-timeout=30"), ends=True),
    Fault("cancelled streams", 1000, calls.cancelled_streams, _with()),
    Fault("cancel storm, all formats", 500, storm.cancel_storm, _with()),
    Fault("drains under cancellations", 30, storm.drain_storm, _with()),
    Fault("Ctrl-C while encoding", 4, storm.interrupted_command, _with()),
    Fault("streams without a message", 50, calls.silent_streams, _with("--first-message-timeout=2")),
    Fault("oversized metadata", 60, calls.oversized_metadata, _with()),
    Fault("writers that send too fast", 4, calls.flooding_writer, _with()),
    Fault("readers that stop", 10, calls.stopped_reader, _with("--stalled-reader-timeout=3")),
    Fault("large outputs", 20, memory.large_outputs, _with(memory.FLAG)),
    Fault("large outputs, unread", 8, memory.large_outputs_unread, _with(memory.FLAG, "--stalled-reader-timeout=3")),
    Fault("longest requests", 60, memory.whole_files, _with(memory.FLAG)),
    Fault("unfinished requests", 200, memory.unfinished_requests, _with(memory.FLAG, "--first-message-timeout=5")),
    Fault("long health checks", 180, memory.long_health_checks, _with(memory.FLAG)),
    Fault("caller that holds places", 60, places.greedy_caller, places.with_tokens),
    Fault("server that is stopped", 2, places.paused_server, _with("--idle-timeout=2", "--stalled-reader-timeout=2")),
    Fault("worker that hangs", 2, places.hung_worker, _with(workers=2)),
    Fault("silent scrapers", 200, places.silent_scrapers, _with()),
    Fault("reset flood", 10_000, connections.reset_flood, _with()),
    Fault("floods of frames", 8, broken.floods, _with()),
    Fault("floods of control frames", 4, control_frames.flooded, _with("--poller=default")),
    Fault("broken HTTP/2", 250, broken.broken_http2, _with()),
    Fault("broken messages", 40, broken.broken_messages, _with()),
    Fault("disk full at the client", 3, environment.full_disk, _with()),
    Fault("clock jumps", 15, environment.jumping_clock, environment.with_clock),
    Fault("certificates expire", 2, environment.expired_certificate, environment.with_certificate),
    Fault("20 ms beside bulk", 3, fairness.beside_bulk, _with()),
    Fault("20 ms beside replays", 3, fairness.beside_replays, _with()),
)


def main() -> int:
    """Print one row per fault; return 1 if one caused harm."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument(
        "--soak", type=float, default=20, metavar="SECONDS", help="duration of the mixed soak test at the end"
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="run only faults whose name contains this text")
    options = parser.parse_args()
    flags = _with("--first-message-timeout=4")
    mix = Fault(f"mixed soak of {options.soak:g} s", 1, lambda server, _: soak(server, options.soak), flags)
    chosen = [fault for fault in (*FAULTS, mix) if options.only in fault.name]
    print(f"{'fault':28}{'tries':>6}  {'server: live':14}{'MB':17}{'s':>5}  what the client saw")
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(_try, fault) for fault in chosen if fault.waits]
        held = [_try(fault) for fault in chosen if not fault.waits]
        held += [each.result() for each in waiting]
    print(
        f"{sum(held)} of {len(held)} passed: no stream was lost, no invalid call was accepted"
        if all(held)
        else f"{held.count(False)} caused harm"
    )
    return 0 if all(held) else 1


def _try(fault: Fault) -> bool:
    """Run a fault and print its row; live streams and memory are the values before, the maximum, and after."""
    begin = time.monotonic()
    with TemporaryDirectory() as name, Watched(fault.setting(folder := Path(name)), folder) as server:
        try:
            seen = fault.run(server, fault.tries)
            if fault.ends:
                server.look()
            else:
                _end(server)
            internal = [line for line in server.log if str(line["message"]).startswith("internal error")]
            assert not internal, internal[0]
            description = ", ".join(what if count == 1 else f"{count} × {what}" for what, count in sorted(seen.items()))
            held = True
        except Exception as error:
            description, held = f"HARM: {type(error).__name__}: {error}", False
    looks = (server.first, server.most, server.last)
    memory = " → ".join(f"{each[0] / MB:.0f}" for each in looks)
    live = " → ".join(str(each[1]) for each in looks)
    seconds = time.monotonic() - begin
    print(f"{fault.name:28}{fault.tries:6}  {live:14}{memory:17}{seconds:5.0f}  {description}", flush=True)
    return held


def _end(server: Watched) -> None:
    server.settle()
    # The server returns free memory every five seconds while it is idle.
    deadline = time.monotonic() + 30
    while server.last[0] - server.first[0] > MEMORY_LIMIT and time.monotonic() < deadline:
        time.sleep(0.5)
        server.look()
    assert server.last[0] - server.first[0] < MEMORY_LIMIT, "the server's memory grew"
    server.signal()
    code = server.wait()
    assert code == 0, f"the server ended with {code}: {server.log[-2:]}"


if __name__ == "__main__":
    sys.exit(main())
