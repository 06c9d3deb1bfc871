"""Consistency of the repository: one version, no package registries, current tables, valid links."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines()]


def test_version_and_changelog_agree() -> None:
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == PYPROJECT["project"]["version"] == version("audiowriter")


def test_no_package_registry_is_named() -> None:
    registries = re.compile(rb"pypi\.org|pythonhosted|proxy\.golang|repo1?\.maven|npmjs|crates\.io|registry\.npm")
    named = [
        path
        for path in tracked()
        if path.is_file() and path.name != Path(__file__).name and registries.search(path.read_bytes())
    ]
    assert named == []


def test_generated_parts_of_the_pages_are_up_to_date() -> None:
    """To update them: `make readme`."""
    assert subprocess.run([sys.executable, "-m", "lab.documents.readme", "--check"], cwd=ROOT).returncode == 0


def test_the_client_in_the_documentation_stays_short() -> None:
    """README.md states the limit."""
    assert len((ROOT / "examples" / "node" / "client.mjs").read_text().splitlines()) < 60


def test_python_programs_find_the_contract_and_go_has_a_copy() -> None:
    """To update the copy: `make generate`."""
    contract, behavior = "audiowriter/v1/audio_writer.proto", "google/api/field_behavior.proto"
    original = (ROOT / "proto" / contract).read_bytes()
    assert (files("audiowriter.v1") / "audio_writer.proto").read_bytes() == original
    for name in (contract, behavior):
        assert (ROOT / "client" / "go" / "proto" / name).read_bytes() == (ROOT / "proto" / name).read_bytes()
    assert (files("google.api") / "field_behavior.proto").is_file()


def test_links_in_documents_are_valid() -> None:
    documents = [path for path in tracked() if path.suffix == ".md" and path.is_file()]
    links = [
        (path, link) for path in documents for link in re.findall(r"\]\(([^)#: ]+)(?:#[^)]*)?\)", path.read_text())
    ]
    missing = [(str(path.relative_to(ROOT)), link) for path, link in links if not (path.parent / link).exists()]
    assert missing == []
