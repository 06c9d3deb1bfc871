"""Measures where the time of 20 ms frames goes: `make profile`.

    python benchmarks/breakdown.py [FORMAT ...]

First the cost of one message in the service without gRPC, in a tight loop and after a pause as in real time. Then ten
streams in real time against the server and against the bare exchange: CPU time of each thread, how often it slept, and,
if perf is available, the time per library.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from statistics import fmean, median
from typing import Any

import soundfile
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_server.rpc.session import Session
from cases import CASES, RATE, Case
from cpu import LIVE_FRAME_MS, Samples, live_options
from google.protobuf.duration_pb2 import Duration
from plan import FULL
from processes import HERE, Target, echo, load, server
from rich.console import Console
from rich.table import Table

STREAMS = FULL.live_streams
MESSAGES = 1000
PAUSE_S = LIVE_FRAME_MS / 1000 / STREAMS
LOAD_S = 8.0
BEFORE_S, AFTER_S = 1.5, 1.0
"""Start and end of the load, which are not measured."""
SHOWN = 0.02
"""Threads and libraries with a smaller share are not shown."""
STALL = 100
"""Multiple of the median that no message can take by itself: FLAC's blocks take about 20 times the median."""

console = Console(width=120, highlight=False)


def main(names: list[str]) -> None:
    """Print all tables."""
    speech, _ = soundfile.read(HERE.parent / "demo" / "speech.flac", dtype="int16")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = Samples(speech.tobytes(), folder)
        steps = Table(
            "a message of 20 ms, no gRPC", "in a tight loop, µs", f"every {PAUSE_S * 1000:g} ms, µs", box=None
        )
        for case in (CASES[name] for name in names):
            hot, cold = (_step_us(case, samples, pause_s) for pause_s in (0.0, PAUSE_S))
            steps.add_row(case.label, f"{hot:.0f}", f"{cold:.0f}")
        console.print(steps)
        for case in (CASES[name] for name in names):
            schedule = folder / f"{case.name}.json"
            options = [*live_options(FULL, case, samples, LOAD_S), "-streams", str(STREAMS), "-schedule", str(schedule)]
            with server() as target:
                _show(f"{case.label}: the server", target, options)
            with echo(schedule) as target:
                _show(f"{case.label}: the bare exchange", target, options)


def _step_us(case: Case, samples: Samples, pause_s: float) -> float:
    """Return the CPU time, in µs, of a session for one message, with streams in turn. It is a mean, because only some
    messages complete a block. Messages that were delayed by other guests of the machine are excluded.
    """
    pcm = samples.seconds(MESSAGES * LIVE_FRAME_MS / 1000 / STREAMS)
    size = RATE * LIVE_FRAME_MS // 1000 * 2
    frames = (pcm[start : start + size] for start in range(0, len(pcm), size))
    wire = [pb.EncodeStreamRequest(pcm=frame).SerializeToString() for frame in frames]
    output = pb.AudioOutput(
        format=f"AUDIO_FORMAT_{case.format_name.upper()}",
        bitrate_bps=case.bitrate_bps or None,
        page=Duration(nanos=LIVE_FRAME_MS * 1_000_000) if case.paged else None,
    )
    config = pb.StreamConfig(input=pb.PcmInput(sample_rate_hz=RATE), output=output)
    sessions = [Session() for _ in range(STREAMS)]
    for session in sessions:
        session.receive(pb.EncodeStreamRequest(config=config))
    spent = []
    for number, session in zip(range(MESSAGES), cycle(sessions), strict=False):
        time.sleep(pause_s)
        begin = time.thread_time_ns()
        for response in session.receive(pb.EncodeStreamRequest.FromString(wire[number // STREAMS])):
            response.SerializeToString()
        spent.append((time.thread_time_ns() - begin) / 1000)
    for session in sessions:
        session.close()
    return fmean(one for one in spent if one < STALL * median(spent))


def _show(title: str, target: Target, options: list[str]) -> None:
    report: dict[str, Any] = {}
    thread = threading.Thread(target=lambda: report.update(load(*options, *target.options())))
    thread.start()
    time.sleep(BEFORE_S)
    seconds = LOAD_S - BEFORE_S - AFTER_S
    pid = target.pids[0]
    with _perf(pid) as libraries:
        before = _threads(pid)
        time.sleep(seconds)
        after = _threads(pid)
    thread.join()
    messages = seconds * STREAMS * 1000 / LIVE_FRAME_MS
    spent = {tid: after[tid][1] - before.get(tid, (0, 0.0, 0))[1] for tid in after}
    total = sum(spent.values())
    table = Table(title, "CPU per message, µs", "sleeps per message", box=None)
    for tid in sorted(spent, key=lambda tid: -spent[tid]):
        name, _, sleeps = after[tid]
        if spent[tid] > SHOWN * total:
            slept = sleeps - before.get(tid, (0, 0.0, 0))[2]
            role = "event loop" if tid == pid else "completion queue" if name == "python" else name
            table.add_row(role, f"{spent[tid] * 1e6 / messages:.0f}", f"{slept / messages:.1f}")
    table.add_row("all", f"{total * 1e6 / messages:.0f}", "")
    console.print()
    console.print(table)
    if libraries:
        counted = sum(libraries.values())
        shares = [(name, count / counted) for name, count in libraries.most_common()]
        listed = ", ".join(f"{name} {share:.0%}" for name, share in shares if share > SHOWN)
        console.print(f"  {listed}")


def _threads(pid: int) -> dict[int, tuple[str, float, int]]:
    """Return name, CPU time in s and number of sleeps of each thread. proc(5)."""
    found = {}
    for folder in Path(f"/proc/{pid}/task").iterdir():
        try:
            status = (folder / "status").read_text()
            nanoseconds = int((folder / "schedstat").read_text().split()[0])
        except OSError:
            continue  # the thread has ended
        name = status.splitlines()[0].split("\t")[1]
        sleeps = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.MULTILINE)
        assert sleeps is not None
        found[int(folder.name)] = (name, nanoseconds / 1e9, int(sleeps[1]))
    return found


@contextmanager
def _perf(pid: int) -> Iterator[Counter[str]]:
    """Return perf's samples of a process by library; empty if perf is missing or not permitted."""
    libraries: Counter[str] = Counter()
    if shutil.which("perf") is None or os.geteuid() != 0:
        yield libraries
        return
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/perf.data"
        command = ["perf", "record", "-q", "-F", "500", "-e", "cpu-clock", "-p", str(pid), "-o", data]
        recorder = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        yield libraries
        recorder.terminate()
        recorder.wait()
        script = subprocess.run(["perf", "script", "-i", data, "-F", "ip,dso"], capture_output=True, text=True)
    for line in script.stdout.splitlines():
        if found := re.search(r"\(([^)]*)\)$", line):
            library = Path(found[1]).name
            libraries["kernel" if library.startswith("[kernel") else library.split(".")[0]] += 1


if __name__ == "__main__":
    main(sys.argv[1:] or ["mp3", "flac", "wav"])
