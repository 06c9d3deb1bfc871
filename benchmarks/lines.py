"""The targets, and whether they were reached: one line per figure."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from cases import CASES

FLOOR = {"live": 1.15, "bulk": 1.10}
WHOLE_FILE = 1.1
PYDUB = 1.0
FIRST_AUDIO_MS = 5.0
STREAM_MIB = 1.0
LENGTH_MIB = 1.0
CAPACITY = 2.0
TWO_WORKERS = 1.1

IN_PROCESS = 1.15
IN_PROCESS_MS = 0.3
"""For codecs that take less than this: maximum ms per second of audio more than the bare codec."""

RECORDING = {"mp3": 0.7, "aac": 0.7, "ogg_opus": 0.8, "ogg_vorbis": 0.8, "flac": 0.5, "wav": 0.5}
"""Maximum CPU time of a recording, as a share of FFmpeg's without its start."""

WAYS = {"live": "20 ms frames, real time", "bulk": "100 ms frames, bulk"}
MIB = 2**20


@dataclass(frozen=True)
class Line:
    """One figure with its target."""

    about: str
    figure: float | None
    """None if not measured."""
    bound: float
    at_least: bool
    unit: str
    detail: str = ""

    @property
    def verdict(self) -> str:
        """The verdict in one or two words."""
        if self.figure is None:
            return "not measured"
        reached = self.figure >= self.bound if self.at_least else self.figure <= self.bound
        return "reached" if reached else "missed"

    @property
    def target(self) -> str:
        """The target as text."""
        return f"{'≥' if self.at_least else '≤'} {self.bound:g} {self.unit}"

    @property
    def measured(self) -> str:
        """The figure as text."""
        return "–" if self.figure is None else f"{self.figure:.2f} {self.unit}"

    def as_dict(self) -> dict[str, Any]:
        """Return the line as written to JSON."""
        return asdict(self) | {"verdict": self.verdict}


def lines(data: dict[str, Any]) -> list[Line]:
    """Return all lines of a run, in the order in which they are printed."""
    groups = (_in_process, _cpu, _recording, _whole, _pydub, _first_audio, _memory, _capacity, _workers)
    return [line for group in groups for line in group(data)]


def _in_process(data: dict[str, Any]) -> Iterator[Line]:
    for name, case in CASES.items():
        ms = data["in_process"].get(name)
        detail = f"{ms['ours']:.2f} against {ms['bare']:.2f} ms per second of audio" if ms else ""
        about = f"{case.label}, in process, blocks of 1 s: CPU against the bare codec"
        if name in ("flac", "wav"):
            yield Line(about, ms and ms["ours"] - ms["bare"], IN_PROCESS_MS, False, "ms/s more", detail)
        else:
            yield Line(about, ms and ms["ours"] / ms["bare"], IN_PROCESS, False, "×", detail)


def _cpu(data: dict[str, Any]) -> Iterator[Line]:
    for way, way_label in WAYS.items():
        for name, case in CASES.items():
            one = data[way].get(name, {})
            ms = one.get("ms_per_s")
            parts = (
                ms and f"{ms['server']:.2f} ms per second of audio; {ms['engine']:.2f} encoder + {ms['echo']:.2f} gRPC"
            )
            yield Line(
                f"{case.label}, {way_label}: CPU against floor",
                one.get("against_floor"),
                FLOOR[way],
                False,
                "×",
                parts or "",
            )
    for way, way_label in WAYS.items():
        for name, case in CASES.items():
            one = data[way].get(name, {})
            ms = one.get("ms_per_s")
            parts = ms and f"{ms['server']:.2f} against {ms['ffmpeg']:.2f} ms per second of audio"
            if "stream_ms_per_s" in one:
                ms, steady = one["stream_ms_per_s"], ms
                parts = (
                    f"{ms['server']:.2f} against {ms['ffmpeg']:.2f} ms per second of audio, starts included; "
                    f"without {steady['server']:.2f} against {steady['ffmpeg']:.2f}: {one['against_ffmpeg_steady']:.2f} ×"
                )
            about = f"{case.label}, {way_label}: CPU against FFmpeg"
            yield Line(about, one.get("against_ffmpeg"), case.ffmpeg_share, False, "×", parts or "")


def _recording(data: dict[str, Any]) -> Iterator[Line]:
    for name, case in CASES.items():
        one = data["recording"].get(name, {})
        ms = one.get("ms_per_s")
        parts = ms and f"{ms['server']:.2f} against {ms['ffmpeg']:.2f} ms per second of audio, starts not counted"
        about = f"{case.label}, recording in real time, messages of 1 s: CPU against FFmpeg"
        yield Line(about, one.get("against_ffmpeg"), RECORDING[name], False, "×", parts or "")


def _whole(data: dict[str, Any]) -> Iterator[Line]:
    for name, case in CASES.items():
        if case.reference:
            one = data["whole"].get(name, {})
            ms = one.get("ms_per_s")
            parts = ms and f"{ms['server']:.2f} against {ms['reference']:.2f} ms per second of audio"
            about = f"{case.label}, whole file: CPU against {case.tool}"
            yield Line(about, one.get("against_reference"), WHOLE_FILE, False, "×", parts or "")


def _pydub(data: dict[str, Any]) -> Iterator[Line]:
    one = data["pydub"]
    ms = one.get("ms_per_s")
    detail = f"{ms['server']:.2f} against {ms['pydub']:.0f} ms per second of audio" if ms else ""
    about = "MP3 64k, 100 ms frames, bulk: CPU against pydub's export of each frame"
    yield Line(about, one.get("against_pydub"), PYDUB, False, "×", detail)


def _first_audio(data: dict[str, Any]) -> Iterator[Line]:
    for name in ("mp3", "flac"):
        one = data["first_audio"].get(name)
        detail = ""
        if one:
            detail = f"{one['opened']} streams opened while {one['streams']} run"
            ffmpeg = data["live"][name]["ffmpeg"]["first_audio_since_start_ms"]
            ours = data["live"][name]["server"]["first_audio_since_start_ms"]
            detail += f"; from the start p50 {ours['p50']:.0f} ms, FFmpeg's {ffmpeg['p50']:.0f} ms, ten streams"
        about = f"{CASES[name].label}, first audio byte after the codec has enough input, p99 at half load"
        yield Line(about, one and one["first_audio_ms"]["p99"], FIRST_AUDIO_MS, False, "ms", detail)


def _memory(data: dict[str, Any]) -> Iterator[Line]:
    for name in ("mp3", "ogg_opus", "flac"):
        one = data["memory"].get(name)
        figure = one and one["bytes_a_stream"] / MIB
        yield Line(f"{CASES[name].label}: memory of a live stream", figure, STREAM_MIB, False, "MiB")
    for name in ("mp3", "flac"):
        one = data["length"].get(name)
        figure = one and one["growth_bytes"] / MIB
        detail = f"{one['seconds']:g} s of audio" if one else ""
        yield Line(f"{CASES[name].label}: growth over a long stream", figure, LENGTH_MIB, False, "MiB", detail)


def _capacity(data: dict[str, Any]) -> Iterator[Line]:
    for name in ("mp3", "flac"):
        one = data["capacity"].get(name)
        figure, detail = None, ""
        if one:
            ours, theirs = one["server"]["streams"], one["ffmpeg"]["streams"]
            figure = ours / theirs if theirs else None
            detail = f"{ours} against {theirs} streams; {bound(one['server'])}"
        about = f"{CASES[name].label}: streams in real time at p99 under 50 ms, against FFmpeg"
        yield Line(about, figure, CAPACITY, True, "×", detail)


def bound(capacity: dict[str, Any]) -> str:
    """Return how the CPU time was shared at the highest level that was reached."""
    held = [level for level in capacity["levels"] if level["streams"] == capacity["streams"]]
    if not held:
        return "no level was reached"
    server, generator = held[0]["encoder_cpu_share"], held[0]["generator_cpu_share"]
    late = held[0]["generator_lateness_p99_ms"]
    shares = f"CPU share of the server {server:.0%}, of the load generator {generator:.0%}"
    return f"{shares}, whose lateness was {late:.1f} ms at p99"


def _workers(data: dict[str, Any]) -> Iterator[Line]:
    one = data["workers"]
    ms = one.get("ms_per_s")
    detail = f"{ms['two']:.2f} against {ms['one']:.2f} ms per second of audio" if ms else one.get("note", "")
    yield Line(
        "MP3, two workers under twice the load: CPU per second of audio against one",
        one.get("two_against_one"),
        TWO_WORKERS,
        False,
        "×",
        detail,
    )
