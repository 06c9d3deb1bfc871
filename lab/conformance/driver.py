"""The Python driver: reads one case per line from stdin, writes its outcome as one line. See README.md."""

import json
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from audiowriter.v1.audio_writer_pb2 import ListFormatsResponse, Marker, Metadata, StreamConfig
from audiowriter_client import (
    AudioWriter,
    AudioWriterError,
    CallFailed,
    encode,
    get_server_info,
    list_formats,
    resolve_config,
)

from lab.conformance.plan import SINK_FAILED, pieces

Case = dict[str, Any]
Outcome = dict[str, Any]


def main() -> None:
    """Serve cases until stdin ends."""
    for line in sys.stdin:
        case = json.loads(line)
        tell(outcome_of_all(case))


def outcome_of_all(case: Case) -> Outcome:
    """Make the calls of a case concurrently; return the outcome of the first that failed, or of the first call."""
    with ThreadPoolExecutor(case["streams"]) as pool:
        outcomes = list(pool.map(lambda one: outcome_of(partial(METHODS[one["method"]], one)), copies(case)))
    return first_failed(outcomes)


def copies(case: Case) -> list[Case]:
    """Return a case for each of its `streams`: all except the first have a number after the name of their file."""
    return [case, *({**case, "file": f"{case['file']}.{number}"} for number in range(2, case["streams"] + 1))]


def first_failed(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcome of the first call that failed, or of the first call."""
    return next((outcome for outcome in outcomes if outcome["code"] != "OK"), outcomes[0])


def tell(outcome: Outcome) -> None:
    """Write one line."""
    print(json.dumps(outcome), flush=True)


def outcome_of(run: Callable[[], Outcome]) -> Outcome:
    """Return the outcome of a case, including a failure."""
    try:
        return {"code": "OK", **run()}
    except SinkFailed:
        return {"code": SINK_FAILED}
    except AudioWriterError as error:
        return failure(error)


class SinkFailed(Exception):
    """Raised by the sink of a case with `sink_limit`."""


def failure(error: AudioWriterError) -> Outcome:
    """Convert an error to an outcome."""
    if isinstance(error, CallFailed):
        violations = [list(violation) for violation in error.violations]
        retry_after = error.retry_after or 0
        return {
            "code": error.code.name,
            "reason": error.reason,
            "retry_after": retry_after,
            "violations": violations,
            "bytes_received": error.bytes_received,
        }
    return {"code": "TRUNCATED", "reason": str(error)}


def _stream(case: Case) -> Outcome:
    second: Outcome = {}
    with AudioWriter.open(
        case["target"], config_of(case), _sink(case), metadata=metadata_of(case), **resume_of(case)
    ) as writer:
        sent = 0
        for piece, place in pieces(Path(case["pcm"]).read_bytes(), case["cut"], case["places"]):
            writer.write(piece, **place)
            sent += len(piece)
            if sent == case["pause_after"]:
                writer.flush()
                tell({"paused": True})
                sys.stdin.readline()
                if case["second"]:
                    again = {**case, "file": case["file"] + ".second", "second": False, "pause_after": 0}
                    second = {"second": outcome_of(partial(_stream, again))}
            if sent == case["cancel_after"]:
                writer.flush()
                writer.cancel()
        if case["metadata"] or case["markers"]:
            writer.describe(*description_of(case))
    return {"totals": b64encode(writer.result.SerializeToString()).decode(), **second}


def _sink(case: Case) -> str | Callable[[bytes], None]:
    if case["sink"] == "path":
        return str(case["file"])

    def take(data: bytes) -> None:
        time.sleep(case["delay_ms"] / 1000)
        append(case, data)

    return take


def append(case: Case, data: bytes) -> None:
    """Append bytes to the file of a case. Raises SinkFailed when it has `sink_limit` bytes."""
    with Path(case["file"]).open("ab") as file:
        file.write(data)
        if 0 < case["sink_limit"] <= file.tell():
            raise SinkFailed


def _encode(case: Case) -> Outcome:
    pcm = Path(case["pcm"]).read_bytes()
    Path(case["file"]).write_bytes(
        encode(case["target"], config_of(case), pcm, markers=description_of(case)[1], metadata=metadata_of(case))
    )
    return {}


def _list_formats(case: Case) -> Outcome:
    formats = ListFormatsResponse(formats=list_formats(case["target"], metadata=metadata_of(case)))
    Path(case["file"]).write_bytes(formats.SerializeToString())
    return {}


def _resolve_config(case: Case) -> Outcome:
    started = resolve_config(case["target"], config_of(case), metadata=metadata_of(case))
    Path(case["file"]).write_bytes(started.SerializeToString())
    return {}


def _get_server_info(case: Case) -> Outcome:
    assert get_server_info(case["target"], metadata=metadata_of(case)).version
    return {}


def config_of(case: Case) -> StreamConfig:
    """Return the config of a case."""
    return StreamConfig.FromString(b64decode(case["config"]))


def description_of(case: Case) -> tuple[list[tuple[str, str]], list[Marker]]:
    """Return the tags and markers that a case adds after the PCM."""
    tags = Metadata.FromString(b64decode(case["metadata"])).tags
    markers = [Marker.FromString(b64decode(marker)) for marker in case["markers"]]
    return [(tag.name, tag.value) for tag in tags], markers


def resume_of(case: Case) -> dict[str, Any]:
    """Return the options of a writer that say whether a stream is resumed."""
    spool = {"spool_bytes": case["spool_bytes"]} if case["spool_bytes"] else {}
    return {"resume_timeout": case["resume_timeout"], **spool}


def metadata_of(case: Case) -> list[tuple[str, str]]:
    """Return the bearer token as metadata, if there is one."""
    return [("authorization", f"Bearer {case['token']}")] if case["token"] else []


METHODS = {
    "stream": _stream,
    "encode": _encode,
    "resolve_config": _resolve_config,
    "list_formats": _list_formats,
    "get_server_info": _get_server_info,
}

if __name__ == "__main__":
    main()
