"""Measures CPU time per second of audio of the server, of its bare parts and of other encoders, in turn."""

import resource
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import engines
from cases import CASES, RATE, Case
from plan import Plan
from processes import HERE, Target, echo, load

LIVE_FRAME_MS = 20
BULK_FRAME_MS = 100
RECORDING_FRAME_MS = 1000
"""Clients gather PCM for files: one that is given frames of 20 ms sends such messages. FFmpeg gets the frames themselves."""
WHOLE_FRAME_MS = 1000
"""Clients that send files use long messages."""
PYDUB_S = 1
STARTS = 10
PROCESS_SETTLE_S = 1.0
UTTERANCE_S = 9.0
"""Starting a process per stream takes CPU time. How much that is per second of audio depends on the length of a stream:
here it is the length of the speech sample."""


class Samples:
    """The speech, repeated to any length."""

    def __init__(self, speech: bytes, folder: Path) -> None:
        self._speech = speech
        self.path = folder / "speech.s16le"
        self.path.write_bytes(speech)

    def seconds(self, seconds: float) -> bytes:
        """Return PCM of this length."""
        size = round(seconds * RATE) * 2
        return (self._speech * (size // len(self._speech) + 1))[:size]


def live(plan: Plan, case: Case, target: Target, samples: Samples, folder: Path) -> dict[str, Any]:
    """Measure streams in real time, in frames of 20 ms."""
    options = live_options(plan, case, samples, plan.live_s)
    options += ["-streams", str(plan.live_streams)]
    pcm = samples.seconds(engines.LIVE_S)
    schedules = {one: str(folder / f"{case.name}-live-{one}.json") for one in ("server", "ffmpeg")}

    def server(on: Target) -> dict[str, Any]:
        return load(*options, *on.options(), "-schedule", schedules["server"])

    def ffmpeg() -> dict[str, Any]:
        # Ten processes take longer to start than ten streams.
        longer = [
            "-seconds",
            str(plan.live_s + PROCESS_SETTLE_S),
            "-settle",
            f"{plan.live_settle_s + PROCESS_SETTLE_S}s",
        ]
        return load(*options, *longer, "-schedule", schedules["ffmpeg"], "--", *case.ffmpeg_command(LIVE_FRAME_MS))

    def engine() -> float:
        return engines.live_ms(case, pcm, LIVE_FRAME_MS, plan.live_streams)

    result = _in_turn(plan.live_rounds, engine, target, server, ffmpeg, schedules["server"])
    starts = {"server": _start_ms(case, target), "ffmpeg": _start_ms(case, None)}
    steady = result["ms_per_s"]
    a_stream = {name: (starts[name] + steady[name] * UTTERANCE_S) / UTTERANCE_S for name in starts}
    return result | {
        "start_ms": starts,
        "stream_ms_per_s": a_stream,
        "against_ffmpeg": a_stream["server"] / a_stream["ffmpeg"],
        "against_ffmpeg_steady": result["against_ffmpeg"],
    }


def recording(plan: Plan, case: Case, target: Target, samples: Samples, folder: Path) -> dict[str, Any]:
    """Measure streams in real time whose file nobody listens to. The starts of the streams are not counted."""
    # The messages of the streams are spread over a second, and whole seconds are measured.
    options = ["-pcm", str(samples.path), "-streams", str(plan.live_streams), "-ramp", "1s"]
    options += ["-seconds", str(plan.recording_s), "-settle", "500ms"]
    theirs = [*case.load_options(LIVE_FRAME_MS), *options, "-schedule", str(folder / f"{case.name}-recording.json")]
    rounds = []
    for _ in range(plan.live_rounds):
        ours = load(*case.load_options(RECORDING_FRAME_MS), *options, *target.options())
        peer = load(*theirs, "--", *case.ffmpeg_command(LIVE_FRAME_MS))
        rounds.append({"server": cpu_ms(ours), "ffmpeg": cpu_ms(peer)})
    return {
        "ms_per_s": {name: median(one[name] for one in rounds) for name in rounds[0]},
        "against_ffmpeg": median(one["server"] / one["ffmpeg"] for one in rounds),
        "rounds": rounds,
    }


def bulk(plan: Plan, case: Case, target: Target, samples: Samples, folder: Path) -> dict[str, Any]:
    """Measure streams as fast as possible, in frames of 100 ms."""
    options = [*case.load_options(BULK_FRAME_MS), "-bulk", "-pcm", str(samples.path)]
    options += ["-streams", str(plan.bulk_streams), "-seconds", str(plan.bulk_s)]
    pcm = samples.seconds(engines.BULK_S)
    schedule = str(folder / f"{case.name}-bulk.json")

    def server(on: Target) -> dict[str, Any]:
        return load(*options, *on.options(), "-schedule", schedule)

    def ffmpeg() -> dict[str, Any]:
        return load(*options, "--", *case.ffmpeg_command(BULK_FRAME_MS))

    def engine() -> float:
        return engines.bulk_ms(case, pcm, BULK_FRAME_MS)

    return _in_turn(plan.bulk_rounds, engine, target, server, ffmpeg, schedule)


def _start_ms(case: Case, target: Target | None) -> float:
    """Return the CPU time, in ms, of starting and ending a stream; without a target, of FFmpeg."""
    options = [
        *case.load_options(LIVE_FRAME_MS),
        "-bulk",
        "-streams",
        str(STARTS),
        "-seconds",
        str(LIVE_FRAME_MS / 1000),
    ]
    options += target.options() if target else ["--", *case.ffmpeg_command(LIVE_FRAME_MS)]
    return float(load(*options)["cpu_s"]) * 1000 / STARTS


def _in_turn(
    count: int,
    engine: Callable[[], float],
    target: Target,
    server: Callable[[Target], dict[str, Any]],
    ffmpeg: Callable[[], dict[str, Any]],
    schedule: str,
) -> dict[str, Any]:
    rounds: list[dict[str, float]] = []
    reports: dict[str, list[dict[str, Any]]] = {"server": [], "ffmpeg": []}
    with ExitStack() as stack:
        bare = None
        for _ in range(count):
            ours = server(target)
            # After the first load, because that load recorded the schedule.
            bare = bare or stack.enter_context(echo(Path(schedule)))
            echoed, peer = server(bare), ffmpeg()
            reports["server"].append(ours)
            reports["ffmpeg"].append(peer)
            rounds.append(
                {
                    "server": cpu_ms(ours),
                    "echo": cpu_ms(echoed),
                    "engine": engine(),
                    "ffmpeg": cpu_ms(peer),
                }
            )
    return {
        "ms_per_s": {name: median(one[name] for one in rounds) for name in rounds[0]},
        "against_floor": median(one["server"] / (one["echo"] + one["engine"]) for one in rounds),
        "against_ffmpeg": median(one["server"] / one["ffmpeg"] for one in rounds),
        "rounds": rounds,
        # All values are from one run, the one with the median.
        **{name: sorted(runs, key=_p99)[len(runs) // 2] for name, runs in reports.items()},
    }


def whole(plan: Plan, case: Case, target: Target, samples: Samples, folder: Path) -> dict[str, Any]:
    """Measure a whole file against the format's reference encoder."""
    pcm = folder / "whole.s16le"
    pcm.write_bytes(samples.seconds(plan.whole_s))
    out = folder / "whole.out"
    options = [*case.load_options(WHOLE_FRAME_MS), "-bulk", "-pcm", str(samples.path), "-streams", "1"]
    options += ["-seconds", str(plan.whole_s), *target.options()]
    load(*options)
    rounds = []
    for _ in range(plan.bulk_rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(case.reference_command(pcm, out), check=True, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        rounds.append({"server": cpu_ms(load(*options)), "reference": seconds * 1000 / plan.whole_s})
    return {
        "tool": case.tool,
        "ms_per_s": {name: median(one[name] for one in rounds) for name in rounds[0]},
        "against_reference": median(one["server"] / one["reference"] for one in rounds),
        "rounds": rounds,
    }


def pydub(plan: Plan, target: Target, samples: Samples) -> dict[str, Any]:
    """Measure pydub's export of each 100 ms against the server, for MP3."""
    case = CASES["mp3"]
    options = [*case.load_options(BULK_FRAME_MS), "-bulk", "-pcm", str(samples.path), "-streams", "1"]
    chunk_bytes = RATE * BULK_FRAME_MS // 1000 * 2
    command = [sys.executable, str(HERE / "pydub_writer.py"), "mp3", "64k", str(chunk_bytes)]
    theirs = cpu_ms(load(*options, "-seconds", str(PYDUB_S), "--", *command))
    ours = cpu_ms(load(*options, "-seconds", str(plan.bulk_s), *target.options()))
    return {"ms_per_s": {"server": ours, "pydub": theirs}, "against_pydub": ours / theirs}


def live_options(plan: Plan, case: Case, samples: Samples, seconds: float) -> list[str]:
    """Return the options that all loads in real time share."""
    timing = ["-seconds", str(seconds), "-ramp", f"{plan.live_ramp_s}s", "-settle", f"{plan.live_settle_s}s"]
    return [*case.load_options(LIVE_FRAME_MS), "-pcm", str(samples.path), *timing]


def cpu_ms(report: dict[str, Any]) -> float:
    """Return CPU time in ms per second of audio."""
    return float(report["cpu_s"] * 1000 / report["audio_s"])


def _p99(report: dict[str, Any]) -> float:
    return float((report["latency_ms"] or {"p99": 0})["p99"])
