"""The driver of Python's asyncio writer. It uses the other Python driver for everything except streams."""

import asyncio
import json
import sys
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path

from audiowriter_client import AsyncAudioWriter, AudioWriterError

from lab.conformance.driver import (
    Case,
    Outcome,
    SinkFailed,
    append,
    config_of,
    copies,
    description_of,
    failure,
    first_failed,
    metadata_of,
    outcome_of_all,
    resume_of,
    tell,
)
from lab.conformance.plan import SINK_FAILED, pieces


async def main() -> None:
    """Serve cases until stdin ends, on one event loop, because grpc.aio supports only one per process."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        case = json.loads(line)
        if case["method"] == "stream":
            tell(first_failed(await asyncio.gather(*map(_run, copies(case)))))
        else:
            tell(outcome_of_all(case))


async def _run(case: Case) -> Outcome:
    pcm = await asyncio.to_thread(Path(case["pcm"]).read_bytes)
    try:
        return {"code": "OK", **await _stream(case, pcm)}
    except SinkFailed:
        return {"code": SINK_FAILED}
    except AudioWriterError as error:
        return failure(error)


async def _stream(case: Case, pcm: bytes) -> Outcome:
    second: Outcome = {}
    sink = _sink(case)
    async with AsyncAudioWriter.open(
        case["target"], config_of(case), sink, metadata=metadata_of(case), **resume_of(case)
    ) as writer:
        sent = 0
        for piece, place in pieces(pcm, case["cut"], case["places"]):
            await writer.write(piece, **place)
            sent += len(piece)
            if sent == case["pause_after"]:
                await writer.flush()
                tell({"paused": True})
                await asyncio.to_thread(sys.stdin.readline)
                if case["second"]:
                    again = {**case, "file": case["file"] + ".second", "second": False, "pause_after": 0}
                    second = {"second": await _run(again)}
            if sent == case["cancel_after"]:
                await writer.flush()
                await writer.cancel()
        if case["metadata"] or case["markers"]:
            await writer.describe(*description_of(case))
    return {"totals": b64encode(writer.result.SerializeToString()).decode(), **second}


def _sink(case: Case) -> str | Callable[[bytes], Awaitable[None]]:
    if case["sink"] == "path":
        return str(case["file"])

    async def take(data: bytes) -> None:
        await asyncio.sleep(case["delay_ms"] / 1000)
        append(case, data)

    return take


if __name__ == "__main__":
    asyncio.run(main())
