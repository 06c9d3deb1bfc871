"""Measures what the spool of the clients costs while no server is lost: `make bench-spool`.

    python benchmarks/spool.py [--pairs N]

Each client encodes the same audio twice in turn, with its default spool and without one, and the ratio of the two is taken.
So the load of a shared machine, which changes slowly, has little effect. The server of both is the same process.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import soundfile
from audiowriter_client import AudioWriter, stream_config
from audiowriter_client.spool import SPOOL_BYTES
from cases import RATE
from processes import HERE, Target, server
from rich.console import Console
from rich.table import Table

CLIENT = HERE.parent / "client"
LIVE_FRAME_MS, BULK_FRAME_MS = 20, 100
LIVE_S, BULK_S = 60.0, 300.0
"""Seconds of audio: a spool of 2.9 MB, which stays in memory, and one of 14.4 MB, of which most is in a temporary file."""
PAIRS = 15
POLL_S = 0.01
LIMIT_S = 300
FORMAT = "wav"
"""The one that costs the server least, so that a difference would be a large part."""

Command = Callable[[Target, Path, bool], list[str]]
"""Returns the command line of a client for PCM on standard input: with a spool, or without."""

console = Console(width=120, highlight=False)


@dataclass(frozen=True)
class Use:
    """What one run has used."""

    client_s: float
    server_s: float
    client_bytes: int
    """Highest resident memory."""


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=PAIRS, help="runs with and without a spool, per row")
    pairs = parser.parse_args().pairs
    table = Table("with / without a spool", "client, CPU", "client, MB", "server, CPU", box=None)
    speech = soundfile.read(HERE.parent / "demo" / "speech.flac", dtype="int16")[0].tobytes()
    with tempfile.TemporaryDirectory() as name, server() as target:
        folder = Path(name)
        for title, command, seconds in rows(folder):
            path = folder / f"{seconds:g}.s16le"
            size = 2 * round(seconds * RATE)
            path.write_bytes((speech * (size // len(speech) + 1))[:size])
            table.add_row(title, *_cells(_measured(command, target, path, folder, pairs)))
    console.print(table)
    console.print(
        f"{pairs} pairs per row. CPU: ratio of the least values, which other programs have disturbed least, and median of "
        "the ratios. Memory: medians of the peaks."
    )


def rows(folder: Path) -> Sequence[tuple[str, Command, float]]:
    """Return title, client and length of each row. Go and Java are left out if their tools are missing."""
    found: list[tuple[str, Command, float]] = [
        (f"Python, live, {LIVE_S:g} s in frames of {LIVE_FRAME_MS} ms", _python(LIVE_FRAME_MS), LIVE_S),
        (f"Python, live, {BULK_S:g} s in frames of {BULK_FRAME_MS} ms", _python(BULK_FRAME_MS), BULK_S),
    ]
    if shutil.which("go"):
        program = folder / "audiowriter-go"
        subprocess.run(["go", "build", "-o", str(program), "./cmd/audiowriter"], cwd=CLIENT / "go", check=True)
        found.append((f"Go, file, {BULK_S:g} s", _go(program), BULK_S))
    if shutil.which("mvn"):
        subprocess.run(["mvn", "--quiet", "--batch-mode", "-DskipTests", "package"], cwd=CLIENT / "java", check=True)
        (jar,) = (CLIENT / "java" / "target").glob("audiowriter-client-*-cli.jar")
        found.append((f"Java, file, {BULK_S:g} s", _java(jar), BULK_S))
    return found


def _python(frame_ms: int) -> Command:
    return lambda target, _, spool: [sys.executable, __file__, "--client", target.address, str(frame_ms), str(spool)]


def _go(program: Path) -> Command:
    def command(target: Target, file: Path, spool: bool) -> list[str]:
        options = [] if spool else ["-resume-timeout", "0s"]
        return [str(program), "-target", target.address, "-rate", str(RATE), *options, "-o", f"{file}.{FORMAT}", "-"]

    return command


def _java(jar: Path) -> Command:
    def command(target: Target, file: Path, spool: bool) -> list[str]:
        options = [] if spool else ["--resume-timeout", "0"]
        options += ["--target", target.address, "--rate", str(RATE), "-", f"{file}.{FORMAT}"]
        return ["java", "-Xmx96m", "-jar", str(jar), *options]

    return command


def _measured(command: Command, target: Target, pcm: Path, folder: Path, pairs: int) -> Sequence[Mapping[bool, Use]]:
    """Run a client in pairs, whose order changes from pair to pair. The first pair is not counted."""
    found = []
    for number in range(pairs + 1):
        order = (True, False) if number % 2 else (False, True)
        found.append({spool: _run(command(target, folder / "out", spool), target, pcm) for spool in order})
    return found[1:]


def _run(command: Sequence[str], target: Target, pcm: Path) -> Use:
    before = _server_s(target)
    peak = pid = 0
    with pcm.open("rb") as file:
        process = subprocess.Popen(command, stdin=file, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not pid:
        # Not ru_maxrss, which includes what this process had when it started the client.
        if found := re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text()):
            peak = 1024 * int(found[1])
        time.sleep(POLL_S)
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Use(usage.ru_utime + usage.ru_stime, _server_s(target) - before, peak)


def _server_s(target: Target) -> float:
    """Return the CPU time of the server so far."""
    clock = ~target.pids[0] << 3 | 2  # as clock_getcpuclockid(3) forms it: in ns, with all threads that there were
    return time.clock_gettime(clock)


def _cells(pairs: Sequence[Mapping[bool, Use]]) -> list[str]:
    def ratio(value: Callable[[Use], float]) -> str:
        ratios = [value(pair[True]) / value(pair[False]) for pair in pairs]
        least = min(value(pair[True]) for pair in pairs) / min(value(pair[False]) for pair in pairs)
        return f"{least:.2f}, {median(ratios):.2f}"

    memory = [median(pair[spool].client_bytes for pair in pairs) / 1e6 for spool in (True, False)]
    return [
        ratio(lambda use: use.client_s),
        f"{memory[0]:.1f} / {memory[1]:.1f}",
        ratio(lambda use: use.server_s),
    ]


def client(target: str, frame_ms: int, spool: bool) -> None:
    """Encode PCM from standard input for a listener, in frames."""
    config = stream_config(format=FORMAT, sample_rate_hz=RATE)
    size = 2 * RATE * frame_ms // 1000
    with AudioWriter.open(target, config, lambda data: None, spool_bytes=SPOOL_BYTES if spool else 0) as writer:
        while frame := sys.stdin.buffer.read(size):
            writer.write(frame)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--client"]:
        client(sys.argv[2], int(sys.argv[3]), sys.argv[4] == "True")
    else:
        main()
