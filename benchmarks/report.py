"""Draws the plots, and writes a self-contained page with all of them.

python benchmarks/report.py RESULTS.json OUT.html|OUT.svg

An SVG contains only the plot for the README.
"""

import html as escape_html
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
from cases import CASES
from cpu import UTTERANCE_S
from lines import MIB, WAYS
from matplotlib.axes import Axes
from matplotlib.figure import Figure

mpl.rcParams.update(
    {
        "svg.fonttype": "none",  # keeps text as text, which is small and can be searched
        "svg.hashsalt": "audiowriter",  # the same figures result in the same file
        "font.family": "sans-serif",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.3,
        "axes.axisbelow": True,
        "figure.constrained_layout.use": True,
    }
)

SERVER, ENGINE, ECHO, FFMPEG, START = "#1668a7", "#9ac7e8", "#cfd8dc", "#d9822b", "#f0c9a0"
COLORS = {"server": SERVER, "ffmpeg": FFMPEG}
LABELS = {"server": "audiowriter", "ffmpeg": "FFmpeg per stream"}

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
td, th { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #ddd; vertical-align: top; }
.reached td:nth-child(4) { color: #1b7a3d; } .missed td:nth-child(4) { color: #b3261e; } .not { color: #888; }
td:nth-child(2), td:nth-child(3), td:nth-child(4) { white-space: nowrap; }
svg { max-width: 100%; height: auto; } figcaption { color: #555; } figure { margin: 2rem 0; }
"""


def html(data: dict[str, Any]) -> str:
    """Return the page: it has no script and no external resources."""
    meta = data["meta"]
    about = (
        f"{meta['date']}, {meta['cpu']}, {meta['cores']} cores, Linux {meta['kernel']}, Python {meta['python']}, "
        f"FFmpeg {meta['ffmpeg']}, commit {meta['commit']}, plan “{meta['plan']}”, {meta['seconds']:.0f} s, "
        f"load before {meta['load_before']:.1f}. Load generator "
        "and server share the machine. 24 kHz mono speech."
    )
    figures = "".join(
        f"<figure>{svg(figure)}<figcaption>{escape_html.escape(caption)}</figcaption></figure>"
        for figure, caption in _figures(data)
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>audiowriter: performance</title>'
        f"<style>{STYLE}</style><h1>audiowriter: performance</h1><p>{escape_html.escape(about)}</p>"
        f"{_table(data)}{figures}</html>\n"
    )


def picture(data: dict[str, Any]) -> Figure:
    """Return the plot for the README: CPU time by format."""
    return _cpu(data, "live")


def svg(figure: Figure) -> str:
    """Return a figure as an element of a page, or as a file."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


def _table(data: dict[str, Any]) -> str:
    rows = []
    for line in data["lines"]:
        figure = "–" if line["figure"] is None else f"{line['figure']:.2f} {line['unit']}"
        bound = f"{'≥' if line['at_least'] else '≤'} {line['bound']:g} {line['unit']}"
        cells = [line["about"], figure, bound, line["verdict"], line["detail"]]
        row = "".join(f"<td>{escape_html.escape(cell)}</td>" for cell in cells)
        rows.append(f'<tr class="{line["verdict"].split(" ")[0]}">{row}</tr>')
    head = "<tr><th></th><th>Measured</th><th>Target</th><th></th><th></th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _figures(data: dict[str, Any]) -> Iterator[tuple[Figure, str]]:
    for way in WAYS:
        if data[way]:
            yield (
                _cpu(data, way),
                "CPU time per second of audio. The floor, the minimum for a server built from these parts, is the bare "
                "encoder and a bare gRPC exchange of the same messages.",
            )
    if data["live"]:
        yield (
            _latencies(data),
            "Time from when a frame was due until the bytes arrived that it completes, ten streams in real time. "
            "The curves show the share of frames that is later.",
        )
    if data["capacity"]:
        yield (
            _capacity(data),
            "p99 from frame to byte against the number of streams. Encoders and load generator share the cores.",
        )
    if data["memory"] or data["length"]:
        yield _memory(data), "Proportional set size of a fresh server against live streams, and over one long stream."


def _cpu(data: dict[str, Any], way: str) -> Figure:
    figure = Figure(figsize=(9, 4))
    axes = figure.subplots()
    names = [name for name in CASES if name in data[way]]
    width = 0.27
    for position, name in enumerate(names):
        ms = data[way][name]["ms_per_s"]
        label = position == 0
        axes.bar(position - width, ms["ffmpeg"], width, color=FFMPEG, label="FFmpeg per stream" if label else None)
        bars = axes.bar(position, ms["server"], width, color=SERVER, label="audiowriter" if label else None)
        if "start_ms" in data[way][name]:  # in bulk the start is included
            for shift, system in ((-width, "ffmpeg"), (0, "server")):
                start = data[way][name]["start_ms"][system] / UTTERANCE_S
                start_label = f"one start, spread over {UTTERANCE_S:g} s" if label and shift else None
                axes.bar(position + shift, start, width, bottom=ms[system], color=START, label=start_label)
        axes.bar_label(bars, [f"{ms['server']:.1f}"], padding=2, fontsize=8)
        axes.bar(position + width, ms["engine"], width, color=ENGINE, label="floor: bare encoder" if label else None)
        axes.bar(
            position + width,
            ms["echo"],
            width,
            bottom=ms["engine"],
            color=ECHO,
            label="floor: bare gRPC" if label else None,
        )
    axes.set_xticks(range(len(names)), [CASES[name].label for name in names])
    axes.set_ylabel("CPU ms per second of audio")
    axes.set_title(f"CPU time, {WAYS[way]}", loc="left")
    axes.grid(axis="x", visible=False)
    axes.legend(frameon=False)
    return figure


def _latencies(data: dict[str, Any]) -> Figure:
    names = list(data["live"])
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(11, 3 * rows))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, name in zip(grid.flat, names, strict=False):
        for system, color in COLORS.items():
            latency = data["live"][name][system]["latency_ms"]
            if latency:
                _tail(axes, latency, color, f"{LABELS[system]}, p99 {latency['p99']:.1f} ms")
        axes.set_title(CASES[name].label, loc="left")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.legend(frameon=False, fontsize=8)
    for axes in grid[-1]:
        axes.set_xlabel("ms from frame to byte")
    for axes in grid[:, 0]:
        axes.set_ylabel("share that is later")
    for axes in grid.flat[len(names) :]:
        axes.set_visible(False)
    return figure


def _tail(axes: Axes, latency: dict[str, Any], color: str, label: str) -> None:
    later, points = latency["count"], []
    for upper_ms, count in latency["histogram"]:
        later -= count
        points.append((upper_ms, later / latency["count"]))
    # The last share is 0, which a logarithmic axis cannot show.
    axes.step(*zip(*((x, y) for x, y in points if y > 0), strict=True), where="post", color=color, label=label)


def _capacity(data: dict[str, Any]) -> Figure:
    names = list(data["capacity"])
    figure = Figure(figsize=(5.5 * len(names), 3.5))
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False).flat, names, strict=True):
        for system, color in COLORS.items():
            found = data["capacity"][name][system]
            points = [(one["streams"], one["p99_ms"]) for one in found["levels"] if one["p99_ms"]]
            if points:
                label = f"{LABELS[system]}: {found['streams']} in real time"
                axes.plot(*zip(*points, strict=True), "o-", color=color, label=label)
        axes.axhline(50, color="#888", linestyle="--", linewidth=1)
        axes.set_yscale("log")
        axes.set_xlabel("streams in real time")
        axes.set_ylabel("p99 from frame to byte, ms")
        axes.set_title(CASES[name].label, loc="left")
        axes.legend(frameon=False)
    return figure


def _memory(data: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(11, 3.5))
    streams, length = figure.subplots(1, 2)
    for name, one in data["memory"].items():
        slope = one["bytes_a_stream"] / 1024
        label = f"{CASES[name].label}: {slope:.0f} KiB per stream"
        streams.plot(*zip(*((n, size / MIB) for n, size in one["points"]), strict=True), "o-", label=label)
    for name, one in data["length"].items():
        label = f"{CASES[name].label}: {one['growth_bytes'] / 1024:+.0f} KiB"
        points = ((seconds / 60, size / MIB) for seconds, size in one["points"])
        length.plot(*zip(*points, strict=True), label=label)
    streams.set_xlabel("live streams")
    length.set_xlabel("minutes of audio in one stream")
    for axes in (streams, length):
        axes.set_ylabel("MiB")
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False)
    return figure


def main(results: Path, out: Path) -> None:
    """Write the page or the picture."""
    data = json.loads(results.read_text())
    out.write_text(html(data) if out.suffix == ".html" else svg(picture(data)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
