"""Drains and stops Envoy itself with deploy/envoy/drain: no stream is cut before the limit, and none is lost after it."""

import asyncio
import subprocess
import time
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.request import urlopen

import grpc.aio
from support.names import Names
from support.server import LIMIT_S, ServerProcess
from support.streams import NAMES

from lab.envoy.envoy import ROOT, Envoy, one_server
from lab.envoy.streams import open_stream
from lab.faults.speakers import Speakers

STREAMS = 6
DRAINING_S = 2.0
SCRIPT = ROOT / "deploy/envoy/drain"


def run() -> bool:
    """Drain Envoy under live streams and print the results. True if all streams ran to their end."""
    with one_server() as (_, envoy):
        waited = asyncio.run(_run(envoy))
    return _moved() and waited


async def _run(envoy: Envoy) -> bool:
    end = asyncio.Event()
    async with grpc.aio.insecure_channel(envoy.target) as channel:
        streams = [open_stream(channel, f"drain-{number}", end) for number in range(STREAMS)]
        await asyncio.gather(*(one.started.wait() for one in streams))
        ready_before = _ready(envoy)
        drain = await asyncio.create_subprocess_exec(SCRIPT, envoy.admin.rpartition(":")[2])
        await asyncio.sleep(DRAINING_S)
        waits, ready_after = drain.returncode is None, _ready(envoy)
        end.set()
        await asyncio.wait_for(asyncio.gather(*(one.task for one in streams)), LIMIT_S)
        code = await asyncio.wait_for(drain.wait(), LIMIT_S)
    lost = [one for one in streams if one.error is not None]
    print(f"streams cut by Envoy's own drain: {len(lost)} of {STREAMS}; /ready {ready_before}, then {ready_after}")
    good = waits and code == 0 and not lost
    return good and (ready_before, ready_after) == (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE)


def _moved() -> bool:
    """Drain one of two Envoys for a second and stop it under streams that go on through the other one."""
    with ServerProcess() as server:
        host, _, port = server.target.rpartition(":")
        with Names([host]) as names, Envoy(names, int(port)) as first, Envoy(names, int(port)) as other:
            for envoy in (first, other):
                envoy.wait_until_healthy(server.target)
            with Speakers(f"{first.target},{other.target}", 2 * len(NAMES)) as speakers:
                time.sleep(DRAINING_S)
                subprocess.run([SCRIPT, first.admin.rpartition(":")[2], "1"], check=True, timeout=LIMIT_S)
                first.process.terminate()
                first.process.wait(LIMIT_S)
                time.sleep(DRAINING_S)
    moved = sum(bool(call.get("resumed")) for call in server.calls())
    differing = speakers.differing
    print(
        f"streams lost with an Envoy that was stopped: {len(speakers.lost)} of {len(speakers)}; "
        f"files that differ: {len(differing)}; resumed calls: {moved}"
    )
    for error in speakers.lost:
        print(f"  {error}")
    return not speakers.lost and not differing and moved > 0


def _ready(envoy: Envoy) -> int:
    try:
        with urlopen(f"http://{envoy.status}/ready", timeout=LIMIT_S) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code
