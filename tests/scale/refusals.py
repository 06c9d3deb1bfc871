"""The server's own words come through Envoy: its limits are the finer ones, and end a stream before Envoy's do."""

import asyncio

import grpc.aio
from audiowriter_client import AsyncAudioWriter, CallFailed
from support.server import LIMIT_S

from scale.envoy import Envoy, one_server
from scale.streams import CONFIG

IDLE_S = 1.0
EXPECTED = {
    "a full server": "UNAVAILABLE (MAX_STREAMS_EXCEEDED)",
    "a silent caller": "DEADLINE_EXCEEDED (IDLE_TIMEOUT_EXCEEDED)",
    "no server": "UNAVAILABLE: no healthy upstream",
}


def run() -> bool:
    """Provoke each refusal; print what the caller was told. True if it is what is expected."""
    with one_server("--max-streams=1", f"--idle-timeout={IDLE_S}") as (server, envoy):
        told = asyncio.run(_told(envoy))
        server.signal()
        envoy.wait_until_healthy()
        told["no server"] = asyncio.run(_silent(envoy))
    for what, words in told.items():
        print(f"{what}: {words}")
    return all(words.startswith(EXPECTED[what]) for what, words in told.items()) and told.keys() == EXPECTED.keys()


async def _told(envoy: Envoy) -> dict[str, str]:
    silent = asyncio.create_task(_silent(envoy))
    # The first has the only place for a second; the other comes while it is there.
    await asyncio.sleep(IDLE_S / 2)
    return {"a full server": await _silent(envoy), "a silent caller": await silent}


async def _silent(envoy: Envoy) -> str:
    """Open a stream, say nothing, and give the words that it ends with."""

    def drop(_: bytes) -> None:
        pass

    async with grpc.aio.insecure_channel(envoy.target) as channel, asyncio.timeout(LIMIT_S):
        writer = AsyncAudioWriter.open(channel, CONFIG, drop)
        while True:
            try:
                await writer.started
            except CallFailed as error:
                return str(error)
            await asyncio.sleep(IDLE_S / 10)
