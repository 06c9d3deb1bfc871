"""Generate the tables and the plot of docs/scaling.md: `make scaling-doc`.

The cost of a stream comes from docs/scaling-cost.json, which `make scaling-cost` measures.
"""

import json
import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib as mpl

from lab.documents.markers import put
from lab.envoy import capacity
from lab.envoy.balancing import RESTART_S, WAYS, Run, simulate
from lab.envoy.envoy import ROOT

PAGE = ROOT / "docs/scaling.md"
PLOT = ROOT / "docs/scaling-balance.svg"
COST = ROOT / "docs/scaling-cost.json"


def main() -> int:
    cost = json.loads(COST.read_text())
    runs = {way: simulate(way) for way in WAYS}
    _plot(runs)
    page = put(PAGE.read_text(), "measured", _measured(cost))
    page = put(page, "stream", _stream(cost["formats"]))
    page = put(page, "capacity", _capacity(cost["formats"]))
    PAGE.write_text(put(page, "balance", _balance(runs)))
    return 0


def _measured(cost: dict[str, Any]) -> str:
    return (
        f"Measured on {cost['date']} on a shared machine ({cost['cpu']}, {cost['load_per_core']} runnable threads "
        f"per core): {cost['streams']} live streams of {cost['sample_rate_hz'] // 1000} kHz mono speech through Envoy."
    )


def _stream(formats: dict[str, Any]) -> str:
    rows = []
    for name, costs in formats.items():
        small, large = costs["20"], costs["100"]
        need = capacity.need(small, 1_000_000)
        row = (
            f"{small['server_ms_per_s']:.1f}",
            f"{large['server_ms_per_s']:.1f}",
            f"{small['envoy_ms_per_s']:.1f}",
            f"{large['envoy_ms_per_s']:.1f}",
            capacity.streams_per_core(small),
            capacity.streams_per_core(large),
            f"{small['memory_bytes'] / 1024:.0f}",
            # Gbit/s of a million are kbit/s of one.
            f"{need.gbit_in:.0f}",
            f"{need.gbit_out:.0f}",
        )
        rows.append((name, *row))
    heads = (
        "format",
        "server, ms of CPU per second, 20 ms messages",
        "100 ms",
        "Envoy, ms, 20 ms messages",
        "100 ms",
        f"streams per core at {capacity.TARGET_LOAD:.0%}, 20 ms messages",
        "100 ms",
        "memory, KiB",
        "in, kbit/s",
        "out, kbit/s",
    )
    return _table(heads, rows)


def _capacity(formats: dict[str, Any]) -> str:
    rows = []
    for name, costs in formats.items():
        needs = [capacity.need(costs["20"], streams) for streams in capacity.SIZES.values()]
        middle, largest = needs[1:]
        row = (
            *(f"{need.nodes:,}" for need in needs),
            f"{middle.servers:,} + {middle.envoy_cores:,.0f}",
            f"{middle.memory_gib:,.0f}",
            f"{middle.gbit_in:.0f} / {middle.gbit_out:.0f}",
            f"{largest.usd_per_hour / capacity.SIZES['10 M'] * 1000:.2f}",
        )
        rows.append((name, *row))
    heads = (
        "format",
        *(f"nodes for {size}" for size in capacity.SIZES),
        "cores for 100 k, servers + Envoy",
        "GiB for 100 k",
        "Gbit/s in / out for 100 k",
        "USD for 1,000 stream hours",
    )
    return _table(heads, rows)


def _balance(runs: dict[str, Run]) -> str:
    rows = [
        (
            way,
            f"{run.mean():.2f}",
            f"{run.worst():.2f}",
            f"{run.filled_s():.0f} s" if math.isfinite(run.filled_s()) else "not in 45 minutes",
        )
        for way, run in runs.items()
    ]
    return _table(("way", "max/mean", "99th percentile of it", "a restarted server has its share after"), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _plot(runs: dict[str, Run]) -> None:
    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "audiowriter", "svg.fonttype": "none", "font.family": "sans-serif"})
    from matplotlib import pyplot

    figure, (above, below) = pyplot.subplots(2, 1, figsize=(9, 7), sharex=True, layout="constrained")
    for way, run in runs.items():
        hours = [at / 3600 for at in run.times]
        above.plot(hours, run.spread, label=way, linewidth=1)
        below.plot(hours, run.restarted, linewidth=1)
    above.set(ylabel="most streams on a server / mean", yscale="log")
    above.set_yticks([1, 1.2, 1.5, 2, 3, 5], labels=["1", "1.2", "1.5", "2", "3", "5"])
    above.minorticks_off()
    above.legend(loc="center left", fontsize="small")
    below.set(ylabel="streams of the restarted server / mean", xlabel="hours")
    for axes in (above, below):
        axes.axvline(RESTART_S / 3600, color="grey", linestyle=":")
        axes.grid(alpha=0.3)
    # Without a date, so that the same figures result in the same file.
    figure.savefig(PLOT, metadata={"Date": None})


if __name__ == "__main__":
    sys.exit(main())
