"""The drivers, one per language: how each is built, started and used."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
GO = ROOT / "client" / "go"
JAVA = ROOT / "client" / "java"
TYPESCRIPT = ROOT / "client" / "typescript"
NODE = ROOT / "examples" / "node"

ANSWER_S = 90.0
"""Timeout of one case; the machine may be busy."""
BUILD_S = 900.0
"""Timeout of a build with empty caches."""


def build_python(folder: Path) -> list[str]:
    """Return the driver's command. The client is installed in the environment that runs this."""
    return [sys.executable, "-m", "lab.conformance.driver"]


def build_asyncio(folder: Path) -> list[str]:
    """Return the command of the driver for the Python client's asyncio writer."""
    return [sys.executable, "-m", "lab.conformance.driver_asyncio"]


def build_go(folder: Path) -> list[str]:
    """Build the driver of the Go module and return its command."""
    program = folder / "audiowriter-conformance"
    _build(["go", "build", "-o", str(program), "./internal/conformance"], GO)
    return [str(program)]


def build_java(folder: Path) -> list[str]:
    """Package the client and return the driver's command; the driver is one of its test classes."""
    path = f"{JAVA / 'target' / 'test-classes'}:{package_java()}"
    # The heap is smaller than the data of the largest cases, so code that does not stream runs out of memory.
    return ["java", "-Xmx96m", "-cp", path, "io.audiowriter.client.ConformanceDriver"]


@cache
def package_java() -> Path:
    """Package the Java client and return the jar with all its dependencies."""
    _build(["mvn", "--batch-mode", "--quiet", "-DskipTests", "package"], JAVA)
    (jar,) = (JAVA / "target").glob("audiowriter-client-*-cli.jar")
    return jar


def build_typescript(folder: Path) -> list[str]:
    """Compile the client with its tests and return the driver's command; the driver is one of them."""
    install_typescript()
    _build(["node_modules/.bin/tsc", "--outDir", str(folder / "typescript")], TYPESCRIPT)
    # Modules are looked up from the place of the file that imports them.
    (folder / "node_modules").symlink_to(TYPESCRIPT / "node_modules")
    (folder / "typescript" / "package.json").write_text('{"type": "module"}')
    return ["node", str(folder / "typescript" / "test" / "conformance-driver.js")]


@cache
def install_typescript() -> None:
    """Install the packages that the TypeScript client needs."""
    _build(["make", "--silent", "client/typescript/node_modules/.ready"], ROOT)


def build_node(folder: Path) -> list[str]:
    """Install the packages of the example for Node.js and return its driver's command."""
    # Without install scripts: none of the packages needs one.
    _build(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], NODE)
    return ["node", str(NODE / "driver.mjs")]


@dataclass(frozen=True)
class Language:
    """How the driver of a language is made, and what it must be able to do."""

    build: Callable[[Path], list[str]]
    """Builds the driver with its outputs in a folder, and returns its command."""
    complete: bool = True
    """Whether it must run every case. Others may answer `unsupported`."""
    gaps: Sequence[str] = ()
    """Reasons with which a complete driver may still answer `unsupported`."""
    toolchain: str = ""
    """Program that must be installed, or the language is left out. Unset: the run fails without the toolchain."""

    def may_leave_out(self, reason: str) -> bool:
        """Whether the driver may answer `unsupported` for this reason."""
        return not self.complete or reason in self.gaps

    @property
    def available(self) -> bool:
        """Whether the toolchain is installed, if the language may be left out."""
        return not self.toolchain or shutil.which(self.toolchain) is not None


LANGUAGES: dict[str, Language] = {
    "python": Language(build_python),
    "asyncio": Language(build_asyncio),
    "go": Language(build_go),
    "java": Language(build_java),
    "typescript": Language(build_typescript),
    "node": Language(build_node, complete=False, toolchain="npm"),
}


def external(command: str) -> Language:
    """Return the language of a driver that is not part of the project: a path, or a command with arguments.

    Raises ValueError if its program does not exist or is not executable.
    """
    program, *arguments = shlex.split(command)
    found = shutil.which(program)
    if found is None:
        raise ValueError(f"{program}: expected a path or a command that can be executed")
    return Language(lambda folder: [found, *arguments], complete=False)


def _build(command: list[str], where: Path) -> None:
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=BUILD_S, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} in {where}:\n{done.stdout}{done.stderr}")


class Driver:
    """A driver's process: runs one case at a time and answers with one line, plus one for a pause."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._start()

    def _start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))}
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._lines: Queue[str] = Queue()
        self._reader = threading.Thread(target=self._read, args=(self._process, self._lines))
        self._reader.start()

    @staticmethod
    def _read(process: subprocess.Popen[str], lines: "Queue[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put("")

    def ask(self, case: dict[str, Any], at_pause: Callable[[], None]) -> dict[str, Any]:
        """Run a case and return its outcome. A driver that times out or crashes is replaced by a new one.

        An AssertionError of `at_pause` means that the driver's stream is not in the state that the pause requires.
        """
        try:
            self._write(case)
            outcome = self._next()
            if outcome.get("paused"):
                at_pause()
                self._write({})
                outcome = self._next()
        except (AssertionError, BrokenPipeError, Empty, ValueError) as error:
            self.close()
            self._start()
            return {"code": "NO_ANSWER", "reason": f"{type(error).__name__}: {error}"}
        return outcome

    def _write(self, request: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def _next(self) -> dict[str, Any]:
        outcome = json.loads(line := self._lines.get(timeout=ANSWER_S))
        if not isinstance(outcome, dict):
            raise ValueError(f"expected an object, not {line.strip()}")
        return outcome

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
