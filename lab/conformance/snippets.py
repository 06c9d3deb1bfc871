"""Run the programs of the READMEs unchanged, each in an empty folder, against a real server: `make lab-snippets`.

Only the server's port is replaced. Each program must write one audio file that decodes to at least one second. In the main
README every block is a program; the clients' READMEs also contain parts of programs, which are skipped.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import soundfile
from support.server import ServerProcess

from lab.conformance.drivers import GO, JAVA, ROOT, TYPESCRIPT, install_typescript, package_java

README = ROOT / "README.md"
TARGET = "localhost:50051"
IN_PROCESS = "audiowriter_core"
"""Programs that use this package need no server."""
LIMIT_S = 300.0
"""Timeout of a build with empty caches."""
GO_MODULE = "github.com/audiowriter/audiowriter/client/go"
BLOCK = re.compile(r"^```(python|go|java|typescript)\n(.*?)^```", re.DOTALL | re.MULTILINE)
HERE_DOCUMENT = re.compile(r"^cat > \w+\.(go|ts) <<'END'\n(.*?)^END$", re.DOTALL | re.MULTILINE)
COMPLETE = re.compile(r"^package main$|static void main|^import .* from \"@audiowriter/client\";$", re.MULTILINE)
AUDIO = {".aac", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav"}


def run_python(program: str, folder: Path) -> str:
    """Run a program in the environment of the client, with the speech sample where the program expects it."""
    (folder / "demo").symlink_to(ROOT / "demo")
    (folder / "program.py").write_text(program)
    return _run([sys.executable, "program.py"], folder)


def run_go(program: str, folder: Path) -> str:
    """Run a program in an empty module that uses the client from disk."""
    (folder / "main.go").write_text(program)
    _run(["go", "mod", "init", "program"], folder)
    _run(["go", "mod", "edit", "-require", f"{GO_MODULE}@v0.0.0", "-replace", f"{GO_MODULE}={GO}"], folder)
    _run(["go", "mod", "tidy"], folder)
    return _run(["go", "run", "."], folder)


def run_java(program: str, folder: Path) -> str:
    """Run a program from its source, with the client's jar on the class path."""
    found = re.search(r"public class (\w+)", program)
    assert found, "no public class"
    source = folder / f"{found[1]}.java"
    source.write_text(program)
    return _run(["java", "-cp", str(package_java()), source.name], folder)


def run_typescript(program: str, folder: Path) -> str:
    """Install the client's package in an empty project, compile a program with strict types, and run it."""
    (folder / "main.ts").write_text(program)
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    _run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", str(pack())], folder)
    compiler = TYPESCRIPT / "node_modules" / ".bin" / "tsc"
    options = ("--target", "es2023", "--module", "nodenext", "--strict", "--types", "node")
    _run([str(compiler), *options, "main.ts"], folder)
    return _run(["node", "main.js"], folder)


@cache
def pack() -> Path:
    """Make the package of the TypeScript client, as it would be published."""
    install_typescript()
    name = _run(["npm", "pack", "--silent"], TYPESCRIPT).split()[-1]
    return TYPESCRIPT / name


LANGUAGES: dict[str, Callable[[str, Path], str]] = {
    "python": run_python,
    "go": run_go,
    "java": run_java,
    "typescript": run_typescript,
    "ts": run_typescript,
}


def main() -> int:
    """Return 1 if a program failed, or if there is none for a language."""
    programs = list(_programs())
    missing = LANGUAGES.keys() - {"ts"} - {language for path, language, _ in programs if path == README}
    failed = len(missing)
    for language in missing:
        print(f"FAILED {README.name}: no program in {language}")
    with ServerProcess() as server:
        for path, language, program in programs:
            name = f"{path.relative_to(ROOT)}, {language}"
            try:
                print(f"passed {name}: {_check(language, program, server.target)}", flush=True)
            except (AssertionError, subprocess.SubprocessError, soundfile.LibsndfileError) as error:
                failed += 1
                print(f"FAILED {name}: {error}", flush=True)
    print(f"{len(programs) + len(missing) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _programs() -> Iterator[tuple[Path, str, str]]:
    for path in (README, GO / "README.md", JAVA / "README.md", TYPESCRIPT / "README.md"):
        text = path.read_text()
        for found in (*BLOCK.finditer(text), *HERE_DOCUMENT.finditer(text)):
            language, program = found.groups()
            if path == README or COMPLETE.search(program):
                yield path, language, program


def _check(language: str, program: str, target: str) -> str:
    assert TARGET in program or IN_PROCESS in program, f"the program does not call {TARGET}"
    with tempfile.TemporaryDirectory(prefix=f"audiowriter-{language}-") as name:
        folder = Path(name)
        printed = LANGUAGES[language](program.replace(TARGET, target), folder)
        files = [path for path in folder.iterdir() if path.suffix in AUDIO]
        assert len(files) == 1, f"the program wrote {[path.name for path in folder.iterdir()]}\n{printed}"
        samples, rate = soundfile.read(files[0])
        seconds = len(samples) / rate
        assert seconds >= 1, f"{files[0].name} decodes to {seconds} s"
        return f"{files[0].name}, {files[0].stat().st_size} bytes, {seconds:.3f} s"


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
