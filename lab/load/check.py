"""Run each command of README.md against a real server, and check the results: `make lab-load`.

A command's exit code is not enough, because a load generator accepts any answer. So the check reads what each command
received, as far as it reports that, and every stream in the server's log.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_client import encode
from google.protobuf import json_format
from support.server import ServerProcess, poll

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DATA = ROOT / "build" / "load"
TARGET = "localhost:50051"
"""The target in the commands of README.md."""
RATE = 24000
SAMPLE_BYTES = 2
"""The PCM of messages.py: sample rate in Hz, and size of a sample in bytes; it has one channel."""
LIMIT_S = 90


@dataclass(frozen=True)
class Totals:
    """The totals of a stream from `finished`."""

    file_bytes: int
    input_samples: int


Look = Callable[[Path, str, "Totals"], int]
"""Checks the output files and stdout, fails unless every stream ended with these totals, and returns their number."""


def main() -> int:
    """Return 1 if a command did not work as expected."""
    failed = 0
    with ServerProcess() as server:
        commands = list(_commands())
        for command in commands:
            try:
                streams = _run(command, server)
                print(f"passed: {streams:4} streams: {command}", flush=True)
            except (AssertionError, KeyError, ValueError, OSError, subprocess.SubprocessError) as error:
                failed += 1
                print(f"FAILED: {command}\n{type(error).__name__}: {error}", flush=True)
    print(f"{len(commands) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _commands() -> Iterator[str]:
    for block in re.findall(r"^```sh\n(.*?)^```", (HERE / "README.md").read_text(), re.DOTALL | re.MULTILINE):
        yield from (line for line in block.splitlines() if TARGET in line)


def _run(command: str, server: ServerProcess) -> int:
    expected = _expected(command, server.target)
    before = len(_calls(server))
    streams = _ask(command, server.target, expected)
    poll(lambda: len(_calls(server)) >= before + streams, f"the server logged fewer than {streams} streams")
    ends = Counter((call["code"], call["bytes"], call["audio_seconds"]) for call in _calls(server)[before:])
    right = {("OK", expected.file_bytes, expected.input_samples / RATE): streams}
    assert ends == right, f"the server logged {dict(ends)}, expected {right}"
    return streams


def _calls(server: ServerProcess) -> list[dict[str, Any]]:
    return [call for call in server.calls() if call["method"] == "EncodeStream"]


def _ask(command: str, target: str, expected: Totals) -> int:
    tool = next(name for name in TOOLS if re.search(rf"(^|\| ){name} ", command))
    flags, look = TOOLS[tool]
    path = os.pathsep.join([str(ROOT / "build" / "tools"), str(Path(sys.executable).parent), os.environ["PATH"]])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        line = command.replace(TARGET, target) + flags.format(folder=folder)
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=ROOT,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return look(folder, done.stdout, expected)


def _expected(command: str, target: str) -> Totals:
    """Encode the same messages in one call of the client, which checks the bytes, and return the totals."""
    requests = json.loads((DATA / "messages.json").read_text())
    if counted := re.search(r"\S+-counted\.json", command):
        count = json.loads((ROOT / counted[0]).read_text())["stream-call-count"]
        requests = json.loads((DATA / "frame.json").read_text()) * count
    config = json_format.ParseDict(requests[0]["config"], pb.StreamConfig())
    pcm = b"".join(b64decode(request["pcm"]) for request in requests)
    return Totals(len(encode(target, config, pcm)), len(pcm) // SAMPLE_BYTES)


def _look_at_ghz(folder: Path, _: str, expected: Totals) -> int:
    report = json.loads((folder / "report.json").read_text())
    total = report["options"]["total"]
    assert report["statusCodeDistribution"] == {"OK": total}, report["statusCodeDistribution"]
    # ghz writes responses only to its log, in the text format, and only a sample of them.
    ends = []
    for line in (folder / "debug.log").read_text().splitlines():
        response = json.loads(line).get("response")
        if response and response.startswith("finished:"):
            found = re.search(r"totals:[<{]file_bytes:(\d+) input_samples:(\d+) ", response)
            assert found, response
            ends.append(Totals(*map(int, found.groups())))
    _check(ends, expected)
    return int(total)


def _look_at_k6(folder: Path, _: str, expected: Totals) -> int:
    metrics = json.loads((folder / "summary.json").read_text())["metrics"]
    streams = metrics["streams_started"]["count"]
    for name, passes in (("streams_finished", streams), ("checks", 2 * streams)):
        assert (metrics[name]["passes"], metrics[name]["fails"]) == (passes, 0), metrics[name]
    got = metrics["stream_bytes"]["count"]
    assert got == streams * expected.file_bytes, f"{got} bytes of {streams} streams of {expected.file_bytes}"
    return int(streams)


def _look_at_locust(folder: Path, _: str, expected: Totals) -> int:
    figures = {entry["name"]: entry for entry in json.loads((folder / "locust.json").read_text())}
    streams = figures["stream"]["num_requests"]
    assert streams > 0
    for name in ("first byte", "frame to byte", "finish", "stream"):
        assert figures[name]["num_requests"] >= streams and figures[name]["num_failures"] == 0, figures[name]
    got = figures["stream"]["total_content_length"]
    assert got == streams * expected.file_bytes, f"{got} bytes of {streams} streams of {expected.file_bytes}"
    return int(streams)


def _look_at_json(_: Path, stdout: str, expected: Totals) -> int:
    responses, rest = [], stdout.lstrip()
    while rest:
        response, end = json.JSONDecoder().raw_decode(rest)
        responses.append(json_format.ParseDict(response, pb.EncodeStreamResponse()))
        rest = rest[end:].lstrip()
    assert responses[0].HasField("started") and responses[-1].HasField("finished")
    finished = responses[-1].finished
    totals = finished.totals
    size = sum(len(response.chunk.data) for response in responses) + len(finished.trailer)
    assert size == totals.file_bytes, f"received {size} bytes, file_bytes={totals.file_bytes}"
    _check([Totals(totals.file_bytes, totals.input_samples)], expected)
    return 1


def _check(ends: list[Totals], expected: Totals) -> None:
    wrong = [end for end in ends if end != expected]
    assert not wrong, f"{wrong[0]}, expected {expected}"


TOOLS: dict[str, tuple[str, Look]] = {
    "ghz": (" --format json --output {folder}/report.json --debug {folder}/debug.log", _look_at_ghz),
    "k6": (" --summary-export {folder}/summary.json -e LIMIT_MS=5000", _look_at_k6),
    "locust": (" --json-file {folder}/locust", _look_at_locust),
    "grpcurl": ("", _look_at_json),
    "buf": ("", _look_at_json),
}
"""Additional options of each command, which make it write results, and the function that checks them."""

if __name__ == "__main__":
    sys.exit(main())
