"""The layers: each package may import only the ones below it. Checked by import analysis of whole packages."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PACKAGES = {
    "audiowriter_core": ROOT / "core",
    "audiowriter_server": ROOT / "server",
    "audiowriter_client": ROOT / "client/python",
    "audiowriter_cli": ROOT / "cli",
}

OURS = {
    "audiowriter_core": set[str](),
    "audiowriter_server": {"audiowriter_core", "audiowriter"},
    "audiowriter_client": {"audiowriter"},
    "audiowriter_cli": {"audiowriter_client", "audiowriter_server", "audiowriter_core", "audiowriter"},
}
"""Packages of this project that each package may import; `audiowriter` is the contract."""

FORBIDDEN = {"audiowriter_core": {"grpc", "google", "asyncio", "concurrent", "socket", "multiprocessing"}}
"""Third-party packages that a layer must not require."""


def imports(package: str) -> Iterator[tuple[str, str]]:
    """Yield each file of a package, and the top-level name of each of its imports."""
    folder = PACKAGES[package]
    for path in sorted((folder / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield str(path.relative_to(folder)), alias.name.partition(".")[0]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield str(path.relative_to(folder)), (node.module or "").partition(".")[0]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_the_layers_below_it(package: str) -> None:
    allowed = OURS[package] | {package}
    ours = {*PACKAGES, "audiowriter"}
    wrong = [
        (path, name)
        for path, name in imports(package)
        if (name in ours and name not in allowed) or name in FORBIDDEN.get(package, set())
    ]
    assert wrong == []


def test_the_core_runs_without_grpc_and_protobuf() -> None:
    code = """
import sys
from audiowriter_core import FORMATS, AudioEncoder
for name in FORMATS:
    encoder = AudioEncoder(format=name, sample_rate_hz=24000)
    encoder.write(bytes(4800)), encoder.finish()
found = {name.partition(".")[0] for name in sys.modules} & {"grpc", "google", "asyncio", "audiowriter"}
sys.exit(f"imported: {found}" if found else 0)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_environment_of_grpc_is_set_before_grpc_is_imported() -> None:
    code = "import sys, audiowriter_server.__main__; sys.exit('grpc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_core_and_client_have_the_same_crc() -> None:
    """Neither may import the other, and both need it."""
    core, client = (PACKAGES[name] / name / "crc32c.py" for name in ("audiowriter_core", "audiowriter_client"))
    assert client.read_text() == core.read_text()
