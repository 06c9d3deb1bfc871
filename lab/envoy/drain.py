"""Drains and stops Envoy itself: with deploy/envoy/drain before SIGTERM no stream is cut."""

import asyncio
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.request import urlopen

import grpc.aio
from support.server import LIMIT_S

from lab.envoy.envoy import ROOT, Envoy, one_server
from lab.envoy.streams import open_stream

STREAMS = 6
DRAINING_S = 2.0
SCRIPT = ROOT / "deploy/envoy/drain"


def run() -> bool:
    """Drain Envoy under live streams and print the result. True if all streams ran to their end."""
    with one_server() as (_, envoy):
        return asyncio.run(_run(envoy))


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


def _ready(envoy: Envoy) -> int:
    try:
        with urlopen(f"http://{envoy.status}/ready", timeout=LIMIT_S) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code
