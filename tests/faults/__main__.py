"""`make faults`: do each fault to a running server, and look what it did to the callers, to others and to the server."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from audiowriter.v1 import audio_writer_pb2 as pb
from support.metrics import Metrics
from support.server import ServerProcess, Stream, channel_to, poll

from faults import calls, connections, processes
from faults.soak import soak

MEMORY_LIMIT = 24 * 1024 * 1024
"""Most that a fault may leave behind; the allocator gives back late."""


@dataclass(frozen=True)
class Fault:
    """`run` does it `tries` times and gives what the callers saw."""

    name: str
    tries: int
    run: Callable[[ServerProcess, int], Counter[str]]


FAULTS = (
    Fault("client killed (kill -9)", 5, processes.killed_client),
    Fault("worker killed (kill -9)", 2, processes.killed_worker),
    Fault("server killed (kill -9)", 3, processes.killed_server),
    Fault("half-open connection", 5, connections.half_open),
    Fault("slow loris in the handshake", 100, connections.slow_loris),
    Fault("streams without a message", 50, connections.silent_streams),
    Fault("flood of resets", 10_000, connections.reset_flood),
    Fault("broken HTTP/2", 50, connections.broken_http2),
    Fault("cancelled streams", 1000, calls.cancelled_streams),
    Fault("oversized metadata", 50, calls.oversized_metadata),
    Fault("disk full at the client", 5, calls.disk_full_at_the_client),
    Fault("clock jumps", 20, processes.jumping_clock),
    Fault("certificate expires and is renewed", 3, processes.expired_certificate),
)


def main() -> int:
    """Print a row a fault; 1 if one did harm."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--soak", type=float, default=600, metavar="SECONDS", help="How long the mix at the end runs.")
    parser.add_argument("--only", default="", metavar="TEXT", help="Run the faults whose name has it.")
    options = parser.parse_args()
    mix = Fault(f"mixed soak, {options.soak:g} s", 1, lambda server, _: soak(server, options.soak))
    chosen = [fault for fault in (*FAULTS, mix) if options.only in fault.name]
    metrics = Metrics()
    flags = (metrics.flag, "--first-message-timeout=2", "--idle-timeout=3", "--stalled-reader-timeout=3")
    print(f"{'fault':36} {'tries':>6}  {'what the client saw':44} {'live':>4} {'memory, MB':>17} {'s':>5}")
    with ServerProcess(*flags) as server:
        _use(server)
        harm = [fault for fault in chosen if not _try(fault, server, metrics)]
        server.signal()
        code = server.wait()
    print(f"server ended with {code}; {len(chosen) - len(harm)} of {len(chosen)} did no harm")
    return 1 if harm or code else 0


def _try(fault: Fault, server: ServerProcess, metrics: Metrics) -> bool:
    before, begin = server.resident_bytes(), time.monotonic()
    live = partial(metrics.total, "audiowriter_live_streams")
    try:
        seen = fault.run(server, fault.tries)
        told = ", ".join(f"{what} ×{count}" if count > 1 else what for what, count in sorted(seen.items()))
        poll(lambda: live() == 0, "streams are left live")
        _use(server)
        assert server.resident_bytes() - before < MEMORY_LIMIT, "the server's memory grew"
        harmless = True
    except Exception as error:
        told, harmless = f"HARM: {type(error).__name__}: {error}", False
    memory = f"{before / 1e6:.1f} → {server.resident_bytes() / 1e6:.1f}"
    seconds = time.monotonic() - begin
    print(f"{fault.name:36} {fault.tries:6}  {told:44} {live():4.0f} {memory:>17} {seconds:5.1f}", flush=True)
    return harmless


def _use(server: ServerProcess) -> None:
    """A stream as it should be: nothing lost, nothing let in."""
    pcm = bytes(range(256)) * 1000
    with channel_to(server) as channel:
        stream = Stream(channel)
        for start in range(0, len(pcm), 4000):
            stream.send(pb.EncodeStreamRequest(pcm=pcm[start : start + 4000]))
        stream.start()
        stream.half_close()
        events = list(stream.call)
    got = b"".join(event.chunk.data for event in events) + events[-1].finished.trailer
    assert got == pcm, "a stream was damaged"


if __name__ == "__main__":
    sys.exit(main())
