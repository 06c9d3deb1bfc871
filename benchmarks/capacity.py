"""Measures streams in real time, the latency of the first audio, and the cost of a second worker."""

import os
from pathlib import Path
from statistics import median
from typing import Any

from cases import Case
from cpu import LIVE_FRAME_MS, Samples, cpu_ms, live_options
from plan import Plan
from processes import LoadFailed, Target, load, server

CORES = len(os.sched_getaffinity(0))

P99_LIMIT_MS = 50.0
FIRST_SHARE = 0.4
"""First level, as a share of the streams that would use all CPU time according to the cost of a few."""
STEP = 1.3
"""Factor from one level to the next."""
TRIES = 2
"""A level counts as missed after this many misses, because a shared machine may be slow for a second."""

PROCESS_RAMP_S = 9.0
PROCESS_SETTLE_S = 1.0
"""Time for FFmpeg's processes to start, so that the load does not consist of starts."""

FIRST_AUDIO_STREAM_S = 2.0
FIRST_AUDIO_ROUNDS = 5


def streams_in_time(
    plan: Plan, case: Case, samples: Samples, folder: Path, *, target: Target | None, cpu_ms_per_s: float
) -> dict[str, Any]:
    """Raise the number of streams until p99 stays beyond the limit, then halve the last step. Without a target: FFmpeg.

    `cpu_ms_per_s`: CPU time per second of audio, from which the first level is computed.
    """
    name = "ffmpeg" if target is None else "server"
    levels: list[dict[str, Any]] = []

    def holds(streams: int) -> bool:
        for _ in range(TRIES):
            level = _level(plan, case, samples, folder / f"{case.name}-capacity-{name}.json", target, streams)
            if in_time := level["p99_ms"] is not None and level["p99_ms"] < P99_LIMIT_MS:
                break
        levels.append(level)
        return in_time

    good, streams = 0, max(2, round(CORES * 1000 / cpu_ms_per_s * FIRST_SHARE))
    while holds(streams):
        good, streams = streams, round(streams * STEP)
    middle = (good + streams) // 2
    if holds(middle):
        good = middle
    return {"streams": good, "levels": sorted(levels, key=lambda one: one["streams"])}


def _level(
    plan: Plan, case: Case, samples: Samples, schedule: Path, target: Target | None, streams: int
) -> dict[str, Any]:
    level: dict[str, Any] = {"streams": streams, "p99_ms": None}
    ramp_s, settle_s = plan.live_ramp_s, plan.live_settle_s
    if target is None:
        ramp_s, settle_s = PROCESS_RAMP_S, PROCESS_SETTLE_S
    options = live_options(plan, case, samples, ramp_s + settle_s + plan.capacity_s)
    options += ["-ramp", f"{ramp_s}s", "-settle", f"{settle_s}s"]
    options += ["-streams", str(streams), "-schedule", str(schedule)]
    options += target.options() if target else ["--", *case.ffmpeg_command(LIVE_FRAME_MS)]
    try:
        report = load(*options)
    except LoadFailed as exc:
        return level | {"error": str(exc)}
    cores = report["window_s"] * CORES
    return level | {
        "p99_ms": report["latency_ms"]["p99"],
        "p50_ms": report["latency_ms"]["p50"],
        "failed": report["failed"],
        "memory_bytes": report["memory_bytes"],
        "encoder_cpu_share": report["cpu_s"] / cores,
        "generator_cpu_share": report["generator_cpu_s"] / cores,
        "generator_lateness_p99_ms": report["generator_lateness_ms"]["p99"],
    }


def first_audio(plan: Plan, case: Case, samples: Samples, folder: Path, target: Target, streams: int) -> dict[str, Any]:
    """Measure the first bytes of audio of streams that start while others are running."""
    options = live_options(plan, case, samples, FIRST_AUDIO_STREAM_S)
    options += ["-ramp", f"{FIRST_AUDIO_STREAM_S}s", "-rounds", str(FIRST_AUDIO_ROUNDS), "-streams", str(streams)]
    options += [*target.options(), "-schedule", str(folder / f"{case.name}-first.json")]
    # All values are from one run, the one with the median.
    runs = [load(*options) for _ in range(plan.live_rounds)]
    report = sorted(runs, key=lambda run: run["first_audio_ms"]["p99"])[len(runs) // 2]
    return {"streams": streams, "opened": report["finished"], "first_audio_ms": report["first_audio_ms"]}


def two_workers(plan: Plan, case: Case, samples: Samples, folder: Path) -> dict[str, Any]:
    """Measure CPU time per second of audio with two workers and twice the load, against one worker."""
    schedule = ["-schedule", str(folder / f"{case.name}-live-server.json")]
    rounds = []
    with server() as one, server(workers=2) as two:
        for _ in range(plan.live_rounds):
            row = {}
            for name, target, streams in (
                ("one", one, plan.worker_streams),
                ("two", two, 2 * plan.worker_streams),
            ):
                options = live_options(plan, case, samples, plan.live_s)
                row[name] = cpu_ms(load(*options, "-streams", str(streams), *schedule, *target.options()))
            rounds.append(row)
    return {
        "ms_per_s": {name: median(one[name] for one in rounds) for name in ("one", "two")},
        "two_against_one": median(one["two"] / one["one"] for one in rounds),
        "rounds": rounds,
    }
