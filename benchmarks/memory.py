"""Memory: of a live stream, and over a long one."""

from typing import Any

from cases import Case
from cpu import BULK_FRAME_MS, Samples, live_options
from plan import Plan
from processes import load, server

STREAMS = (2, 22, 42)
"""Live at a time, first to last: what the first ones pay for all is not in the difference."""

SETTLED = 0.1
"""Share of a long stream after which its memory should stay."""


def per_stream(plan: Plan, case: Case, samples: Samples) -> dict[str, Any]:
    """A fresh server with more and more live streams."""
    points = []
    with server() as target:
        for streams in STREAMS:
            options = live_options(plan, case, samples, plan.live_ramp_s + plan.live_settle_s + 0.75)
            report = load(*options, "-streams", str(streams), *target.options())
            points.append((streams, report["memory_bytes"]))
    (first, low), (last, high) = points[0], points[-1]
    return {"bytes_a_stream": (high - low) / (last - first), "points": points}


def over_length(plan: Plan, case: Case, samples: Samples) -> dict[str, Any]:
    """A fresh server with one long stream, as fast as it goes."""
    options = [*case.load_options(BULK_FRAME_MS), "-bulk", "-pcm", str(samples.path), "-streams", "1"]
    with server() as target:
        points = load(*options, "-seconds", str(plan.hour_s), *target.options())["memory"]
    settled = next(bytes_ for seconds, bytes_ in points if seconds >= SETTLED * plan.hour_s)
    return {"seconds": plan.hour_s, "growth_bytes": points[-1][1] - settled, "points": points}
