"""Checks whether an outcome is the expected one, and the same in all languages."""

from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import soundfile
from audiowriter.v1 import audio_writer_pb2 as pb
from support.ogg import without_serials

from lab.conformance.opus_file import durations_ms
from lab.conformance.plan import OK, SINK_FAILED, Case
from lab.conformance.recordings import Recording

Outcome = dict[str, Any]


class Judge:
    """Remembers the first result of each file and of each refusal."""

    def __init__(self) -> None:
        self._first: dict[object, tuple[str, object]] = {}

    def faults(self, language: str, case: Case, outcome: Outcome, file: Path) -> Iterator[str]:
        """Yield the faults of an outcome."""
        yield from _unexpected(case.expect, outcome)
        if "second" in case.expect:
            yield from _unexpected(case.expect["second"], outcome.get("second", {}))
        if case.expect["code"] != outcome.get("code"):
            return
        if outcome["code"] == OK:
            if case.asked["method"] == "stream" and "totals" not in outcome:
                yield "totals are missing"
            for number in range(2, case.asked["streams"] + 1):
                copy = file.with_name(f"{file.name}.{number}")
                if not copy.exists() or copy.read_bytes() != file.read_bytes():
                    yield f"{copy.name} differs from {file.name}"
                copy.unlink(missing_ok=True)
            yield from _wrong_file(case, outcome, file)
            if case.recording is not None:
                yield from _wrong_frames(case, case.recording, outcome, file)
            if "opus_ms" in case.expect and (found := durations_ms(file.read_bytes())) != _opus_ms(case):
                yield f"frames and pages of {found} ms, expected {_opus_ms(case)}"
            if case.last == "other cpu":
                if _totals(outcome).sent_sha256 != sha256(file.read_bytes()).digest():
                    yield "sent_sha256 is not that of all bytes that the listener has"
                return
            if file.exists():
                content = _comparable_file(case, file.read_bytes())
                yield from self._different("file", case.file, f"{language} in {case}", content)
            if "totals" in outcome:
                yield from self._different("totals", case.file, f"{language} in {case}", _comparable_totals(outcome))
        else:
            left = [path.name for path in file.parent.iterdir()]
            if left and case.asked["sink"] == "path":
                yield f"files left: {left}"
            yield from _wrong_position(case, outcome, file)
            violations = outcome.get("violations") or []
            yield from self._different("violations", str(case), language, violations)

    def _different(self, what: str, key: object, who: str, value: object) -> Iterator[str]:
        first, expected = self._first.setdefault((what, key), (who, value))
        if value != expected:
            yield f"{what} differs from that of {first}"


def _unexpected(expect: Outcome, outcome: Outcome) -> Iterator[str]:
    for key, default in (("code", ""), ("reason", ""), ("retry_after", 0)):
        got, wanted = outcome.get(key) or default, expect.get(key, default)
        if got != wanted:
            yield f"{key} {got}, expected {wanted or 'none'}"
    fields = sorted(field for field, _ in outcome.get("violations") or [])
    wanted_fields = sorted(expect.get("fields", []))
    if fields != wanted_fields:
        yield f"violations of {fields}, expected {wanted_fields}"


def _wrong_position(case: Case, outcome: Outcome, file: Path) -> Iterator[str]:
    """Compare what the error says with what a listener has."""
    if case.lost and case.asked["sink"] == "stream" and outcome["code"] != SINK_FAILED:
        received = outcome.get("bytes_received")
        if received != file.stat().st_size:
            yield f"bytes_received={received}, the sink has {file.stat().st_size}"


def _opus_ms(case: Case) -> tuple[set[float], set[float]]:
    frame, page = case.expect["opus_ms"]
    return {frame}, {page}


def _wrong_file(case: Case, outcome: Outcome, file: Path) -> Iterator[str]:
    left = [path.name for path in file.parent.iterdir()]
    if left != [file.name]:
        if left == [] and case.asked["method"] == "get_server_info":
            return
        # An empty file of raw samples is never created by a sink that only receives bytes.
        if not (left == [] and case.asked["sink"] == "stream" and not case.samples):
            yield f"files {left}, expected {file.name}"
        return
    if "totals" in outcome:
        totals = _totals(outcome)
        size = file.stat().st_size
        if totals.file_bytes != size:
            yield f"{size} bytes, file_bytes={totals.file_bytes}"
        if totals.input_samples != case.samples:
            yield f"input_samples={totals.input_samples}, sent {case.samples}"
        if case.asked["sink"] == "path" and totals.file_crc32c != google_crc32c.value(file.read_bytes()):
            yield "file_crc32c differs from the CRC of the file"


def _wrong_frames(case: Case, recording: Recording, outcome: Outcome, file: Path) -> Iterator[str]:
    """Compare the samples and the totals of a recording with those of the model."""
    if case.asked["sink"] == "stream":  # without its header, which says how long it is
        return
    data = file.read_bytes()
    try:
        frames, _ = soundfile.read(BytesIO(data), dtype="int16", always_2d=True)
    except soundfile.LibsndfileError:  # raw samples
        frames = np.frombuffer(data, "<i2").reshape(-1, recording.frames.shape[1])
    if frames.shape != recording.frames.shape:
        yield f"{len(frames)} frames, expected {len(recording.frames)}"
    elif (difference := np.abs(frames - recording.frames).max()) > recording.tolerance:
        yield f"samples differ by {difference} from those of the model"
    for name, expected in recording.totals.items():
        if (found := getattr(_totals(outcome), name)) != expected:
            yield f"{name}={found}, expected {expected}"


def _comparable_file(case: Case, content: bytes) -> object:
    # The order of fields in a serialised message differs between languages: Go writes those of a oneof last.
    if case.asked["method"] == "resolve_config":
        return pb.StreamStarted.FromString(content).SerializeToString(deterministic=True)
    return without_serials(content)


def _totals(outcome: Outcome) -> pb.Totals:
    return pb.Totals.FromString(b64decode(outcome["totals"]))


def _comparable_totals(outcome: Outcome) -> bytes:
    totals = _totals(outcome)
    # The checksums include the random serial numbers of Ogg; each client has checked them.
    for name in ("sent_sha256", "file_crc32c"):
        totals.ClearField(name)
    return totals.SerializeToString(deterministic=True)
