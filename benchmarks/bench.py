"""Measure everything, print which targets were reached, and write results/latest.json and results/report.html.

python benchmarks/bench.py [--quick]
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import capacity
import cpu
import in_process
import memory
import report
import soundfile
from cases import CASES
from lines import lines
from plan import FULL, QUICK, Plan
from processes import GENERATOR, HERE, LoadFailed, server
from rich.console import Console
from rich.table import Table

RESULTS = HERE / "results"
SPEECH = HERE.parent / "demo" / "speech.flac"

console = Console(width=None if sys.stdout.isatty() else 200)


def main() -> int:
    """Return 1 if a tool is missing or a measurement failed; a missed target is not a failure."""
    parser = argparse.ArgumentParser(description="Measure the server against its floor and other encoders.")
    parser.add_argument("--quick", action="store_true", help="measure only what takes a minute")
    plan = QUICK if parser.parse_args().quick else FULL
    if missing := _missing():
        print(f"benchmarks: missing: {', '.join(missing)}", file=sys.stderr)
        return 1
    data = Bench(plan).run()
    measured = lines(data)
    data["lines"] = [line.as_dict() for line in measured]
    (RESULTS / "latest.json").write_text(json.dumps(data, indent=1))
    (RESULTS / "report.html").write_text(report.html(data))
    meta = data["meta"]
    table = Table(title=f"{meta['cores']} cores, load before {meta['load_before']:.1f}, {meta['seconds']:.0f} s")
    for column in ("", "measured", "target", "", ""):
        table.add_column(column, overflow="fold")
    for line in measured:
        style = {"reached": "green", "missed": "red"}.get(line.verdict, "dim")
        table.add_row(line.about, line.measured, line.target, f"[{style}]{line.verdict}[/]", line.detail)
    console.print(table)
    for failure in data["failed"]:
        console.print(f"failed: {failure}", style="red", markup=False)
    console.print(f"{RESULTS / 'latest.json'}\n{RESULTS / 'report.html'}")
    return 1 if data["failed"] else 0


def _missing() -> list[str]:
    tools = {"ffmpeg", *(case.tool for case in CASES.values() if case.tool)}
    missing = [tool for tool in sorted(tools) if shutil.which(tool) is None]
    if not GENERATOR.exists():
        missing.append("the load generator (make bench builds it; go is needed)")
    return missing


class Bench:
    """One run."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._failed: list[str] = []
        self._begin = time.monotonic()
        self._load_before = os.getloadavg()[0]

    def run(self) -> dict[str, Any]:
        """Return all measurements of the plan, as written to JSON."""
        plan = self._plan
        with tempfile.TemporaryDirectory(prefix="audiowriter-bench-") as name:
            folder = Path(name)
            speech, _ = soundfile.read(SPEECH, dtype="int16")
            samples = cpu.Samples(speech.tobytes(), folder)
            data: dict[str, Any] = {"in_process": {}, "live": {}, "recording": {}, "bulk": {}, "whole": {}, "pydub": {}}
            data |= {"memory": {}, "length": {}, "capacity": {}, "first_audio": {}, "workers": {}}
            for case in CASES.values():
                self._part(data["in_process"], case.name, in_process.measure, case, in_process.speech())
            with server() as target:
                for case in CASES.values():
                    self._part(data["bulk"], case.name, cpu.bulk, plan, case, target, samples, folder)
                for case in CASES.values():
                    if case.reference:
                        self._part(data["whole"], case.name, cpu.whole, plan, case, target, samples, folder)
                for name in plan.live_formats:
                    self._part(data["live"], name, cpu.live, plan, CASES[name], target, samples, folder)
                for name in plan.live_formats:
                    self._part(data["recording"], name, cpu.recording, plan, CASES[name], target, samples, folder)
                self._part(data, "pydub", cpu.pydub, plan, target, samples)
            for name in plan.memory_formats:
                self._part(data["memory"], name, memory.per_stream, plan, CASES[name], samples)
            for name in plan.hour_formats:
                self._part(data["length"], name, memory.over_length, plan, CASES[name], samples)
            for name in plan.capacity_formats:
                self._part(data["capacity"], name, self._capacity, data, name, samples, folder)
                self._part(data["first_audio"], name, self._first_audio, data, name, samples, folder)
            if plan.worker_streams:
                self._part(data, "workers", capacity.two_workers, plan, CASES["mp3"], samples, folder)
        return {"meta": self._meta(), **data, "failed": self._failed}

    def _part(self, into: dict[str, Any], key: str, measure: Callable[..., Any], *arguments: Any) -> None:
        console.print(f"{time.monotonic() - self._begin:5.0f} s  {measure.__name__.strip('_')} {key}", style="dim")
        try:
            into[key] = measure(*arguments)
        except (LoadFailed, KeyError, subprocess.SubprocessError) as exc:
            # The other measurements are still useful. KeyError: this one depends on a measurement that failed.
            self._failed.append(f"{measure.__name__.strip('_')} {key}: {type(exc).__name__}: {exc}")

    def _capacity(self, data: dict[str, Any], name: str, samples: cpu.Samples, folder: Path) -> dict[str, Any]:
        ms = data["live"][name]["ms_per_s"]
        with server(workers=capacity.CORES) as target:
            ours = capacity.streams_in_time(
                self._plan, CASES[name], samples, folder, target=target, cpu_ms_per_s=ms["server"]
            )
        theirs = capacity.streams_in_time(
            self._plan, CASES[name], samples, folder, target=None, cpu_ms_per_s=ms["ffmpeg"]
        )
        return {"server": ours, "ffmpeg": theirs}

    def _first_audio(self, data: dict[str, Any], name: str, samples: cpu.Samples, folder: Path) -> dict[str, Any]:
        half = max(1, data["capacity"][name]["server"]["streams"] // 2)
        with server(workers=capacity.CORES) as target:
            return capacity.first_audio(self._plan, CASES[name], samples, folder, target, half)

    def _meta(self) -> dict[str, Any]:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True)
        ffmpeg = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True).stdout.split(" ")[2]
        models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        return {
            "plan": self._plan.name,
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "seconds": time.monotonic() - self._begin,
            "commit": commit.stdout.strip(),
            "cores": capacity.CORES,
            "cpu": models[0].partition(": ")[2] if models else platform.machine(),
            "kernel": platform.release(),
            "python": platform.python_version(),
            "ffmpeg": ffmpeg,
            "load_before": self._load_before,
        }


if __name__ == "__main__":
    sys.exit(main())
