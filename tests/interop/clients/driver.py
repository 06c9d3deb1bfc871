"""The Python driver: a case a line on stdin, its outcome a line on stdout. README.md tells the fields."""

import json
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from audiowriter.v1.audio_writer_pb2 import ListFormatsResponse, StreamConfig
from audiowriter_client import AudioWriter, CallFailed, TruncatedStream, encode, list_formats

from interop.clients.plan import pieces

Case = dict[str, Any]
Outcome = dict[str, Any]


def main() -> None:
    """Serve cases until stdin ends."""
    for line in sys.stdin:
        case = json.loads(line)
        _tell(_outcome(partial(METHODS[case["method"]], case)))


def _tell(told: Outcome) -> None:
    print(json.dumps(told), flush=True)


def _outcome(run: Callable[[], Outcome]) -> Outcome:
    try:
        return {"code": "OK", **run()}
    except CallFailed as error:
        violations = [list(violation) for violation in error.violations]
        return {"code": error.code.name, "reason": error.reason, "violations": violations}
    except TruncatedStream as error:
        return {"code": "TRUNCATED", "reason": str(error)}


def _stream(case: Case) -> Outcome:
    second: Outcome = {}
    with AudioWriter.open(case["target"], _config(case), _sink(case), metadata=_metadata(case)) as writer:
        sent = 0
        for piece in pieces(Path(case["pcm"]).read_bytes(), case["cut"]):
            writer.write(piece)
            sent += len(piece)
            if sent == case["pause_after"]:
                writer.flush()
                _tell({"paused": True})
                sys.stdin.readline()
                if case["second"]:
                    again = {**case, "file": case["file"] + ".second", "second": False, "pause_after": 0}
                    second = {"second": _outcome(partial(_stream, again))}
            if sent == case["cancel_after"]:
                writer.flush()
                writer.cancel()
    return {"finished": b64encode(writer.result.SerializeToString()).decode(), **second}


def _sink(case: Case) -> str | Callable[[bytes], None]:
    path = Path(case["file"])
    if case["sink"] == "path":
        return str(path)

    def append(data: bytes) -> None:
        time.sleep(case["delay_ms"] / 1000)
        with path.open("ab") as file:
            file.write(data)

    return append


def _encode(case: Case) -> Outcome:
    pcm = Path(case["pcm"]).read_bytes()
    Path(case["file"]).write_bytes(encode(case["target"], _config(case), pcm, metadata=_metadata(case)))
    return {}


def _list_formats(case: Case) -> Outcome:
    formats = ListFormatsResponse(formats=list_formats(case["target"], metadata=_metadata(case)))
    Path(case["file"]).write_bytes(formats.SerializeToString())
    return {}


def _config(case: Case) -> StreamConfig:
    return StreamConfig.FromString(b64decode(case["config"]))


def _metadata(case: Case) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {case['token']}")] if case["token"] else []


METHODS = {"stream": _stream, "encode": _encode, "list_formats": _list_formats}

if __name__ == "__main__":
    main()
