"""The list of cases, prepared to run: expanded for all formats of the server, with PCM written to files."""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from audiowriter.v1 import audio_writer_pb2 as pb
from google.protobuf import json_format
from google.protobuf.message import Message

from lab.conformance.recordings import Recording, recordings

HERE = Path(__file__).parent
SPEECH = HERE.parents[1] / "demo" / "speech.flac"
RATE = 24000
"""Sample rate of the cases for every format: all formats support it."""

ROOM_BYTES = 4096
"""Room for later metadata in the cases for every format."""

OK = "OK"
SINK_FAILED = "SINK_FAILED"
"""Code of an outcome: the driver's own sink has failed, as the case demands."""

NO_AUDIO = ("resolve_config", "list_formats", "get_server_info")
"""Methods that take no PCM."""


@dataclass(frozen=True)
class Case:
    """One case: what to do, and the expected outcome."""

    group: str
    name: str
    asked: dict[str, Any]
    """Fields sent to drivers, except those that are known only when the case runs."""
    expect: dict[str, Any]
    server: str
    own_server: bool
    meanwhile: dict[str, str] = field(default_factory=dict)
    """What happens to the server while the driver pauses."""
    full: Sequence[bool] = ()
    """For a target of several servers: which of them are full."""
    refusals: int = 0
    """Number of calls that they must have refused in total; 0: any number."""
    lost: Sequence[dict[str, int]] = ()
    """When the servers before the last one are ended with SIGKILL, one after the other."""
    last: str = ""
    """The server that is left after that: `open`, `other version`, `other cpu` or `none`."""
    samples: int | None = None
    """Samples per channel of the PCM; None if none is sent."""
    recording: Recording | None = None
    """For a case with positions: the frames that the file must have."""

    def __str__(self) -> str:
        return f"{self.group}: {self.name}"

    @property
    def file(self) -> tuple[object, ...]:
        """Equal for cases that must result in the same file: it depends on config and PCM, not on cut and method."""
        live, flushed = self.asked["sink"] == "stream", self.asked["pause_after"]
        return (
            self.asked["config"],
            self.asked["pcm"],
            live,
            flushed,
            self.asked["method"] in NO_AUDIO and self.asked["method"],
            self.asked["metadata"],
            *self.asked["markers"],
        )


@dataclass(frozen=True)
class Plan:
    """All cases, and the flags of the servers that they use."""

    cases: Sequence[Case]
    servers: dict[str, list[str]]


def load(formats: Sequence[pb.FormatInfo], folder: Path) -> Plan:
    """Read cases.json and metadata_cases.json; write the PCM to files in `folder`."""
    content, more = (json.loads((HERE / name).read_text()) for name in ("cases.json", "metadata_cases.json"))
    pcm = Pcm(folder)
    cases = [_case(entry, entry.get("config", {}), pcm) for entry in [*content["cases"], *more["cases"]]]
    for info in formats:
        for entry in [*content["each_format"], *more["each_format"]]:
            metadata: dict[str, Any] = {"tags": list(_tags(info, content["tags"])) if entry.get("tags") else []}
            if entry.get("picture") and info.picture_mime_types:
                metadata["pictures"] = [{"data": more["picture"]}]
            output = {"format": info.format, "metadata": metadata}
            made = entry | {"name": f"{info.name}, {entry['name']}"}
            if not info.max_metadata_bytes:
                made |= {"metadata": None, "markers": ()}
            elif entry.get("metadata") or entry.get("markers"):
                output["metadataBytes"] = ROOM_BYTES
            cases.append(_case(made, {"input": {"sampleRateHz": RATE}, "output": output}, pcm))
    for recording in recordings(folder):
        entry = {"group": "recordings", "name": recording.name, **recording.entry}
        cases.append(_case(entry, recording.entry["config"], pcm, recording))
    return Plan(sorted(cases, key=lambda case: case.group), content["servers"])


def _tags(info: pb.FormatInfo, values: dict[str, list[str]]) -> Iterator[dict[str, str]]:
    """Yield all tags that a format supports, and the further values of those that may be repeated after all others."""
    for name in info.tags:
        yield {"name": name, "value": values[name][0]}
    for name in info.repeatable_tags:
        yield from ({"name": name, "value": value} for value in values[name][1:])


def _case(entry: dict[str, Any], given_config: dict[str, Any], pcm: "Pcm", recording: Recording | None = None) -> Case:
    config = json_format.ParseDict(given_config, pb.StreamConfig())
    config.MergeFromString(bytes.fromhex(entry.get("unknown", "")))
    given = entry.get("pcm")
    return Case(
        group=entry["group"],
        name=entry["name"],
        server=entry.get("server", "open"),
        own_server=entry.get("own_server", False),
        expect={"code": OK} | entry.get("expect", {}),
        meanwhile=entry.get("meanwhile", {}),
        full=entry.get("full", ()),
        refusals=entry.get("refusals", 0),
        lost=entry.get("lost", ()),
        last=entry.get("last", "open"),
        samples=len(recording.frames) if recording else given and given["speech"],
        recording=recording,
        asked={
            "method": entry.get("method", "stream"),
            # Serialised, so that a driver needs no JSON parser for protobuf, and may pass enum values that it does not
            # know.
            "config": b64encode(config.SerializeToString(deterministic=True)).decode(),
            "pcm": str(recording.pcm if recording else pcm.write(config.input, **given) if given else ""),
            "cut": entry.get("cut", []),
            "places": recording.places if recording else [],
            "sink": entry.get("sink", "path"),
            "delay_ms": entry.get("delay_ms", 0),
            "token": entry.get("token", ""),
            "pause_after": entry.get("pause_after", 0),
            "cancel_after": entry.get("cancel_after", 0),
            "second": entry.get("second", False),
            "streams": entry.get("streams", 1),
            "resume_timeout": entry.get("resume_timeout", 60 if "lost" in entry else 0),
            "spool_bytes": entry.get("spool_bytes", 0),
            "sink_limit": entry.get("sink_limit", 0),
            "metadata": _serialised(pb.Metadata, entry.get("metadata")),
            "markers": [_serialised(pb.Marker, marker) for marker in entry.get("markers", ())],
        },
    )


def _serialised(kind: type[Message], given: dict[str, Any] | None) -> str:
    """Return a message in base64; an empty string for None."""
    return b64encode(json_format.ParseDict(given, kind()).SerializeToString()).decode() if given else ""


class Pcm:
    """The speech sample, repeated, as PCM of any kind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._speech, _ = soundfile.read(SPEECH, dtype="int16")

    def write(self, described: pb.PcmInput, speech: int, hex: str = "") -> Path:  # noqa: A002 - the key in cases.json
        """Return a file with this number of samples per channel, followed by these bytes."""
        kind = described.sample_format or pb.SAMPLE_FORMAT_S16LE
        channels = described.channels or 1
        path = self._folder / f"{kind}-{channels}-{speech}-{hex}.pcm"
        if not path.exists():
            frames = np.resize(self._speech, (speech, channels))
            path.write_bytes(_pack(frames, kind) + bytes.fromhex(hex))
        return path


def _pack(frames: np.ndarray[Any, np.dtype[np.int16]], kind: int) -> bytes:
    match kind:
        case pb.SAMPLE_FORMAT_U8:
            return ((frames >> 8) + 128).astype("u1").tobytes()
        case pb.SAMPLE_FORMAT_S24LE:
            return (frames.astype("<i4") << 8).reshape(-1, 1).view("u1")[:, :3].tobytes()
        case pb.SAMPLE_FORMAT_S32LE:
            return (frames.astype("<i4") << 16).tobytes()
        case pb.SAMPLE_FORMAT_F32LE:
            return (frames / 32768).astype("<f4").tobytes()
        case pb.SAMPLE_FORMAT_F64LE:
            return (frames / 32768).astype("<f8").tobytes()
        case pb.SAMPLE_FORMAT_MULAW | pb.SAMPLE_FORMAT_ALAW:
            codes = BytesIO()
            law = "ULAW" if kind == pb.SAMPLE_FORMAT_MULAW else "ALAW"
            soundfile.write(codes, frames, RATE, format="RAW", subtype=law)
            return codes.getvalue()
    return frames.astype("<i2").tobytes()


def pieces(
    pcm: bytes, sizes: Sequence[int], places: Sequence[tuple[int, int, int]] = ()
) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Cut PCM into pieces of these sizes, repeated as needed; without sizes there is one piece.

    With `places`, there is a piece for each of them. Yields the piece, and further arguments of `write`.
    """
    at, turn = 0, 0
    while at < len(pcm):
        size = sizes[turn % len(sizes)] if sizes else len(pcm)
        place: dict[str, Any] = {}
        if places:
            size, position, channel = places[turn]
            place = {"position": None if position < 0 else position, "channel": channel}
        yield pcm[at : at + size], place
        at += size
        turn += 1
