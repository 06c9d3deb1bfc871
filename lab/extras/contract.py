"""Checks that what the project publishes contains the contract as it is: the wheel, the Go module and the Java jars."""

import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from zipfile import ZipFile

from lab.conformance.drivers import GO, JAVA, ROOT, package_java

NAME = "audiowriter/v1/audio_writer.proto"
PROTO = ROOT / "proto" / NAME
GO_MODULE = "github.com/audiowriter/audiowriter/client/go"
PROGRAM = f"""
package main

import (
	"os"

	"{GO_MODULE}/proto"
)

func main() {{
	content, err := proto.Files.ReadFile("{NAME}")
	if err != nil {{
		panic(err)
	}}
	os.Stdout.Write(content)
}}
"""

IN_PYTHON = f"""
from importlib.resources import files
content = (files("audiowriter.v1") / "audio_writer.proto").read_bytes()
assert content == {PROTO.read_bytes()!r}
"""
"""For an environment in which the wheel is installed."""


def checks(wheels: Path, folder: Path) -> Mapping[str, Callable[[], None]]:
    """Return the checks by name. `wheels` has the project's wheel, and `folder` must be empty."""
    return {"wheel": partial(_in_wheel, wheels), "go": partial(_in_module, folder), "java": _in_jars}


def _in_wheel(wheels: Path) -> None:
    (wheel,) = wheels.glob("audiowriter-*.whl")
    _compare(wheel)


def _in_jars() -> None:
    package_java()
    jars = list((JAVA / "target").glob("audiowriter-client-*.jar"))
    assert len(jars) >= 2, f"{len(jars)} jars, expected the library and the command"
    for jar in jars:
        _compare(jar)


def _in_module(folder: Path) -> None:
    """Vendor the module, because that leaves out every file that no package needs."""
    folder.mkdir()
    (folder / "main.go").write_text(PROGRAM)

    def run(*command: str) -> bytes:
        return subprocess.run(["go", *command], cwd=folder, check=True, capture_output=True).stdout

    run("mod", "init", "program")
    run("mod", "edit", "-require", f"{GO_MODULE}@v0.0.0", "-replace", f"{GO_MODULE}={GO}")
    run("mod", "tidy")
    run("mod", "vendor")
    assert (folder / "vendor" / GO_MODULE / "proto" / NAME).read_bytes() == PROTO.read_bytes()
    assert run("run", ".") == PROTO.read_bytes()


def _compare(archive: Path) -> None:
    with ZipFile(archive) as opened:
        assert NAME in opened.namelist(), f"{archive.name} does not contain {NAME}"
        assert opened.read(NAME) == PROTO.read_bytes(), f"{NAME} in {archive.name} differs"
