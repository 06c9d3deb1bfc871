"""`audiowriter encode`: its errors."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from support.command import COMMAND, run, start

Names = Callable[[], list[str]]

MODULE = [sys.executable, "-m", "audiowriter_server"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in.wav"], "Missing argument 'IN...'."),
        (["in.wav", "out.xyz"], "out.xyz: the extension determines no format: use --format"),
        (["in.wav", "out.opsu"], "out.opsu: the extension determines no format: did you mean .opus? Else use --format"),
        (["in.wav", "a.wav", "out.wav"], "out.wav: several files need a folder that exists"),
        (["in.wav", "."], ".: a folder needs --format"),
        (["in.wav", "link.wav", "x/in.wav", ".", "--format", "mp3"], "in.wav and x/in.wav would both be in.mp3"),
        (["-", ".", "--format", "mp3"], "stdin has no name for a file in a folder"),
        (["in.wav", "-", "--format", "mp3", "--json"], "--json and the file both need stdout"),
        (["in.wav", "in.wav"], "in.wav and in.wav are the same file"),
        (["in.wav", "link.wav"], "in.wav and link.wav are the same file"),
        (["-", "out.wav"], "raw PCM needs --input-rate, and --input-format if it is not s16le"),
        (["-", "out.wav", "--input-format", "s16le"], "raw PCM needs --input-rate"),
        (["in.wav", "out.wav", "--input-rate", "8000"], "--input-… are for raw PCM"),
        (
            ["in.wav", "out.mp3", "--bitrate", "fast"],
            "'fast' is not a bitrate: expected bits per second such as 96k or 96000",
        ),
        (["in.wav", "out.mp3", "--bitrate", "1" * 5000], f"'{'1' * 62}… is not a bitrate"),
        (["in.wav", "out.mp3", "--bitrate", "٩٦k"], "'٩٦k' is not a bitrate"),
        (["in.wav", "out.mp3", "--tag", "x" * 1000], f"'{'x' * 62}… is not a tag"),
        (["in.wav", "out.mp3", "--bitrate", "96k", "--quality", "1"], "--bitrate and --quality are mutually exclusive"),
        (["in.wav", "out.mp3", "--tag", "title"], "'title' is not a tag: expected NAME=TEXT"),
        (["in.wav", "out.wav", "--rate", "4294967296", "--target", "localhost:1"], "4294967296"),
        (["in.wav", "out.wav", "--target", "a:1,b:x"], "--target: 'b:x' in a list of servers: expected host:port"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    tmp_path: Path, speech: Path, names: Names, arguments: Sequence[str], message: str
) -> None:
    (tmp_path / "link.wav").symlink_to(speech)
    done = subprocess.run(
        [COMMAND, "encode", *arguments],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("audiowriter: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert names() == ["in.wav", "link.wav"]


def test_every_violation_has_a_line(target: str, tmp_path: Path, speech: Path, names: Names) -> None:
    options = ["--rate", "44101", "--channels", "9", "--target", target]
    done = run("encode", speech, tmp_path / "out.mp3", *options)
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 1
    assert len(lines) >= 2
    assert all(line.startswith("audiowriter: config.output.") for line in lines)
    assert names() == ["in.wav"]


@pytest.mark.parametrize(
    ("source", "message"),
    [("missing.wav", "missing.wav: No such file or directory"), (".", ".: Is a directory")],
)
def test_error_names_an_input_that_cannot_be_opened(tmp_path: Path, source: str, message: str) -> None:
    done = subprocess.run(
        [COMMAND, "encode", source, "out.wav"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (1, f"audiowriter: {message}\n")


def test_error_of_a_missing_server_is_one_line(tmp_path: Path, speech: Path, names: Names) -> None:
    done = run("encode", speech, tmp_path / "out.wav", "--target", f"unix:{tmp_path}/none")
    assert done.returncode == 1
    assert done.stderr.decode().startswith("audiowriter: UNAVAILABLE: ")
    assert done.stderr.decode().count("\n") == 1
    assert names() == ["in.wav"]


def test_error_names_an_output_that_cannot_be_written(target: str, tmp_path: Path, speech: Path) -> None:
    done = run("encode", speech, tmp_path / "missing" / "out.wav", "--target", target)
    message = f"audiowriter: {tmp_path}/missing/out.wav: No such file or directory\n"
    assert (done.returncode, done.stderr.decode()) == (1, message)


def without(folder: Path, module: str) -> dict[str, str]:
    """Return the environment of a Python that lacks `module`."""
    (folder / f"{module}.py").write_text(f"raise ModuleNotFoundError('no {module}', name='{module}')\n")
    return {"PYTHONPATH": str(folder)}


@pytest.mark.parametrize(
    ("command", "module"),
    [
        ([COMMAND, "serve"], "click"),
        ([COMMAND, "serve"], "av"),
        (MODULE, "click"),
        (MODULE, "grpc_health"),
        ([*MODULE, "--workers=2"], "prometheus_client"),
    ],
)
def test_error_of_missing_server_dependencies_is_one_line(
    tmp_path: Path, command: Sequence[str | Path], module: str
) -> None:
    done = subprocess.run(
        [*command, "--port=0"],
        env=os.environ | without(tmp_path, module),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    message = f"audiowriter: {module} is missing: pip install 'audiowriter[server]'\n"
    assert (done.returncode, done.stderr) == (2, message)


@pytest.fixture
def loud(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let gRPC log as by default, although its log may be disabled for the tests."""
    monkeypatch.delenv("GRPC_VERBOSITY", raising=False)


@pytest.mark.parametrize("command", [[COMMAND, "serve"], MODULE])
@pytest.mark.usefixtures("loud")
def test_error_of_a_port_in_use_is_one_line(command: Sequence[str | Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run([*command, f"--port={port}"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"audiowriter: cannot listen on 127.0.0.1:{port}: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.usefixtures("loud")
def test_error_of_an_invalid_target_is_one_line(tmp_path: Path, speech: Path) -> None:
    done = run("encode", speech, tmp_path / "out.wav", "--target", "ipv4:1.2.3.4.5:1")
    assert done.returncode == 1
    assert done.stderr.decode().startswith("audiowriter: ")
    assert done.stderr.decode().count("\n") == 1


@pytest.mark.usefixtures("loud")
def test_library_does_not_change_the_log_of_grpc() -> None:
    code = """
import os, sys, audiowriter_client, audiowriter_server.runtime.embedded
sys.exit("GRPC_VERBOSITY" in os.environ)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("embedded", [True, False])
def test_signal_leaves_no_file(
    target: str, tmp_path: Path, names: Names, number: signal.Signals, exit_code: int, embedded: bool
) -> None:
    options = ["--input-rate", "24000"] + ([] if embedded else ["--target", target])
    with start("encode", "-", tmp_path / "out.wav", *options) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(bytes(48000))
        process.stdin.flush()
        deadline = time.monotonic() + 30
        while not names() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(names()) == 1
        process.send_signal(number)
        assert process.wait(10) == exit_code
        assert b"Traceback" not in process.stderr.read()
    assert names() == []


def test_closed_pipe_ends_without_an_error_text(target: str) -> None:
    options = ["--format", "pcm", "--input-rate", "24000", "--target", target]
    with start("encode", "-", "-", *options) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, errors = process.communicate(bytes(2**20), timeout=30)
        assert (process.returncode, errors) == (1, b"")
