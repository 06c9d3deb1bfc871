"""Locked packages have hashes and one version each, and an audit without a database is no success."""

import json
import re
from pathlib import Path

import pytest

from lab.audit.__main__ import FAILED, LOCKS, PASSED, SKIPPED, verdict_of_pip_audit

ROOT = Path(__file__).parents[1]
FILES = sorted([*(ROOT / "requirements").glob("*.txt"), ROOT / "lab" / "load" / "requirements.txt"])
PIN = re.compile(
    r"^([a-z0-9.-]+)==(\S+)(?: ; [^\\]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)


def pins(path: Path) -> dict[str, str]:
    return {name: version for name, version, _ in PIN.findall(path.read_text())}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_line_of_a_lock_is_a_version_with_its_hashes(path: Path) -> None:
    rest = PIN.sub("", path.read_text())
    assert pins(path)
    assert [line for line in rest.splitlines() if not line.startswith("#")] == []


def test_the_largest_lock_contains_the_others_so_the_audit_reads_only_that() -> None:
    audited = [ROOT / name for name in LOCKS]
    largest = pins(audited[0])
    for path in FILES:
        if path not in audited:
            assert pins(path).items() <= largest.items(), path.name


def test_every_dependency_of_the_image_is_locked() -> None:
    assert {"av", "grpcio", "numpy", "opentelemetry-sdk", "soundfile", "uvloop"} <= pins(
        ROOT / "requirements" / "image.txt"
    ).keys()


@pytest.mark.parametrize(
    ("report", "errors", "word"),
    [
        ({"dependencies": [{"name": "a", "version": "1", "vulns": []}]}, "", PASSED),
        ({"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X-1"}]}]}, "", FAILED),
        (
            {"dependencies": [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "?"}]},
            "",
            SKIPPED,
        ),
        ({"dependencies": []}, "", SKIPPED),
        (None, "requests.exceptions.ConnectionError: …", SKIPPED),
        (None, "KeyError: 'a fault of the tool'", FAILED),
    ],
)
def test_an_audit_passes_only_if_every_package_was_looked_up(report: object, errors: str, word: str) -> None:
    assert verdict_of_pip_audit("" if report is None else json.dumps(report), errors)[0] == word
