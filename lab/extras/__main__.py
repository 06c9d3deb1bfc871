"""Build the wheels, install each distribution and each extra alone in a clean environment, and use it there.

Also checks that the wheel, the Go module and the Java jars contain the contract; needs go, a JDK and mvn.

python -m lab.extras [NAME ...]
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lab.extras import contract

ROOT = Path(__file__).parents[2]
SPEECH = ROOT / "demo" / "speech.flac"
LOCKED_LINE = re.compile(r"^([a-z][^\\\n]*==[^\\\n]*?) *\\?$", re.MULTILINE)
PORT_LINE = re.compile(r"listening on (\S+)")


@dataclass(frozen=True)
class Extra:
    """One distribution or extra to install, and what must work with it."""

    install: str
    """Requirement of the distribution, without a version."""
    programs: Sequence[str]
    """Python programs that must end with exit code 0. {target} is a running server."""
    absent: Sequence[str] = ()
    """Packages that must not be installed."""
    command: Sequence[str] = ()
    """A command that must end with exit code 0."""


def snippet(path: Path, first_line: str) -> str:
    """Return the Python block of a README that begins with this line."""
    blocks: list[str] = re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL)
    found = [block for block in blocks if block.startswith(first_line)]
    assert len(found) == 1, f"{path}: {len(found)} blocks begin with {first_line!r}"
    return found[0]


def extras() -> dict[str, Extra]:
    """Return the distributions and extras by name."""
    core = ROOT / "core" / "README.md"
    core_snippets = [
        snippet(core, "import numpy as np\nfrom audiowriter_core import open_audio"),
        snippet(core, "from audiowriter_core import AudioEncoder"),
    ]
    client_snippet = snippet(ROOT / "README.md", "import numpy as np\nfrom audiowriter_client import")
    client = client_snippet.replace('"localhost:50051"', "{target!r}")
    assert client != client_snippet
    server = "from audiowriter_server.runtime.settings import Settings; Settings()"
    return {
        "core": Extra("audiowriter-core", core_snippets, absent=("grpc", "google", "click")),
        "client": Extra("audiowriter", [client, contract.IN_PYTHON], absent=("av", "click", "audiowriter_core")),
        "[core]": Extra("audiowriter[core]", [*core_snippets, client], absent=("click", "prometheus_client")),
        "[server]": Extra("audiowriter[server]", [server, client], absent=("rich", "pydub")),
        "[s3]": Extra(
            "audiowriter[s3]", [client, "from audiowriter_client.s3 import S3File; S3File"], absent=("click", "av")
        ),
        "[otel]": Extra("audiowriter[server,otel]", ["import opentelemetry.sdk"], absent=("rich",)),
        "[cli]": Extra(
            "audiowriter[cli]", [client], command=("audiowriter", "encode", str(SPEECH), "speech.opus", "--quiet")
        ),
    }


def main() -> int:
    """Print one line per extra; return 1 if one fails."""
    wanted = sys.argv[1:]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="audiowriter-extras-") as temporary:
        folder = Path(temporary)
        wheels = folder / "wheels"
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", wheels, ROOT / "core", ROOT], check=True)
        server_python = _environment(folder / "server", wheels, "audiowriter[server]")
        with subprocess.Popen(
            [server_python, "-m", "audiowriter_server", "--port=0"], stderr=subprocess.PIPE, text=True
        ) as server:
            target = _target(server)
            checks: dict[str, tuple[str, Callable[[], None]]] = {
                name: (extra.install, partial(_use, folder / name.strip("[]"), wheels, extra, target))
                for name, extra in extras().items()
            }
            for name, check in contract.checks(wheels, folder / "go").items():
                checks[name] = "the contract", check
            for name, (what, check) in checks.items():
                if not wanted or name in wanted:
                    failed += not _works(name, what, check)
            server.terminate()
    return int(failed > 0)


def _works(name: str, what: str, check: Callable[[], None]) -> bool:
    begin = time.monotonic()
    try:
        check()
        verdict = "works"
    except (OSError, subprocess.CalledProcessError, AssertionError) as error:
        verdict = f"FAILED: {getattr(error, 'stderr', None) or error}"
    print(f"{name:10} {what:24} {time.monotonic() - begin:5.0f} s  {verdict}", flush=True)
    return verdict == "works"


def _target(server: subprocess.Popen[str]) -> str:
    assert server.stderr is not None
    for line in server.stderr:
        if found := PORT_LINE.search(line):
            return found[1]
    raise AssertionError("the server did not start")


def _environment(folder: Path, wheels: Path, requirement: str) -> Path:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    pip: list[str | Path] = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    # Versions without hashes: with hashes, pip would refuse our own wheels.
    constraints = wheels / "constraints.txt"
    constraints.write_text("\n".join(LOCKED_LINE.findall((ROOT / "requirements" / "scale.txt").read_text())))
    subprocess.run([*pip, "install", "--constraint", constraints, "--find-links", wheels, requirement], check=True)
    return python


def _use(folder: Path, wheels: Path, extra: Extra, target: str) -> None:
    python = _environment(folder, wheels, extra.install)
    for package in extra.absent:
        code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is not None)"
        missing = subprocess.run([python, "-c", code]).returncode == 0
        assert missing, f"{package} was installed"
    for program in extra.programs:
        code = program.replace("{target!r}", repr(target))
        subprocess.run([python, "-c", code], cwd=folder, check=True, capture_output=True, text=True)
    if extra.command:
        name, *arguments = extra.command
        subprocess.run([folder / "bin" / name, *arguments], cwd=folder, check=True, capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main())
