"""Measures memory: of a live stream, and over a long stream."""

from statistics import median
from typing import Any

from cases import Case
from cpu import BULK_FRAME_MS, Samples, live_options
from plan import Plan
from processes import load, server

STREAMS = (2, 22, 42)
"""Numbers of live streams, from first to last. What the first streams allocate for all is not in the difference."""

TENTH = 0.1
"""Share of a long stream. The medians of the second and of the last tenth are compared, because buffers grow and
shrink.
"""


def per_stream(plan: Plan, case: Case, samples: Samples) -> dict[str, Any]:
    """Measure a fresh server with an increasing number of live streams."""
    points = []
    with server() as target:
        for streams in STREAMS:
            options = live_options(plan, case, samples, plan.live_ramp_s + plan.live_settle_s + 0.75)
            report = load(*options, "-streams", str(streams), *target.options())
            points.append((streams, report["memory_bytes"]))
    (first, low), (last, high) = points[0], points[-1]
    return {"bytes_a_stream": (high - low) / (last - first), "points": points}


def over_length(plan: Plan, case: Case, samples: Samples) -> dict[str, Any]:
    """Measure one long stream after another one, so that memory that a process allocates once is not counted."""
    options = [*case.load_options(BULK_FRAME_MS), "-bulk", "-pcm", str(samples.path), "-streams", "1"]
    options += ["-seconds", str(plan.hour_s)]
    with server() as target:
        load(*options, *target.options())
        points: list[tuple[float, float]] = load(*options, *target.options())["memory"]
    length_s: float = points[-1][0]

    def between(begin: float, end: float) -> float:
        return median(bytes_ for seconds, bytes_ in points if begin * length_s <= seconds <= end * length_s)

    growth = between(1 - TENTH, 1) - between(TENTH, 2 * TENTH)
    return {"seconds": plan.hour_s, "growth_bytes": growth, "points": points}
