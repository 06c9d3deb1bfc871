"""Print the figures as a Markdown table, or replace the table in a document.

python benchmarks/table.py [--all] [--into FILE] [RESULTS.json]

In the document the table is between <!-- benchmark --> and <!-- /benchmark -->.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from cases import CASES
from cpu import UTTERANCE_S

HERE = Path(__file__).parent
BEGIN, END = "<!-- benchmark -->\n", "<!-- /benchmark -->\n"


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Print the figures as a Markdown table.")
    parser.add_argument("results", nargs="?", type=Path, default=HERE / "published.json")
    parser.add_argument(
        "--all", action="store_true", help="print every line with its target instead of one row per format"
    )
    parser.add_argument("--into", type=Path, metavar="FILE", help="replace the table in this document")
    options = parser.parse_args()
    data = json.loads(options.results.read_text())
    text = (all_lines if options.all else by_format)(data)
    if options.into is None:
        print(text, end="")
        return
    document = options.into.read_text()
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        parser.error(f"{options.into}: must contain the lines {BEGIN.strip()} and {END.strip()}")
    options.into.write_text(f"{before}{begin}{text}{end}{after}")


def by_format(data: dict[str, Any]) -> str:
    """Return one row per format."""
    meta = data["meta"]
    rows = [
        f"CPU ms per second of audio in streams of {UTTERANCE_S:g} s, 24 kHz mono, on {meta['cores']} cores of "
        f"{meta['cpu']}, {meta['date']}:",
        "",
        "| | live, 20 ms frames | FFmpeg per stream | bare encoder + bare gRPC | 100 ms frames, bulk | FFmpeg, bulk "
        "| p99 frame to byte |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, case in CASES.items():
        live, bulk = data["live"].get(name), data["bulk"].get(name)
        ms, bulk_ms = live and live["ms_per_s"], bulk and bulk["ms_per_s"]
        cells = [
            case.label,
            f"**{live['stream_ms_per_s']['server']:.1f}**" if live else "–",
            f"{live['stream_ms_per_s']['ffmpeg']:.1f}" if live else "–",
            f"{ms['engine']:.1f} + {ms['echo']:.1f}" if ms else "–",
            f"**{bulk_ms['server']:.1f}**" if bulk_ms else "–",
            f"{bulk_ms['ffmpeg']:.1f}" if bulk_ms else "–",
            f"{live['server']['latency_ms']['p99']:.1f} ms" if live else "–",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def all_lines(data: dict[str, Any]) -> str:
    """Return one row per line of the benchmark."""
    meta = data["meta"]
    rows = [
        f"{meta['date']}, {meta['cpu']}, {meta['cores']} cores, commit {meta['commit']}, FFmpeg {meta['ffmpeg']}:",
        "",
        "| | measured | target | | |",
        "| --- | ---: | ---: | --- | --- |",
    ]
    for line in data["lines"]:
        figure = "–" if line["figure"] is None else f"{line['figure']:.2f} {line['unit']}"
        bound = f"{'≥' if line['at_least'] else '≤'} {line['bound']:g} {line['unit']}"
        rows.append(f"| {line['about']} | {figure} | {bound} | {line['verdict']} | {line['detail']} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    main()
