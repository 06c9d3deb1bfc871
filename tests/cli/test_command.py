"""The command except `encode`, and what all subcommands show."""

import os
import pty
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import pytest
from audiowriter.v1.audio_writer_pb2 import FormatInfo, SampleFormat
from audiowriter_cli.formats import formats
from click.testing import CliRunner
from support.command import COMMAND, run

SAMPLES = ["s16le", "s24le", "s32le", "f32le", "f64le", "u8"]


def test_version_is_that_of_the_distribution() -> None:
    assert run("version").stdout.decode().strip() == metadata.version("audiowriter")


@pytest.mark.parametrize("source", ["in.wav", "-"])
def test_progress_is_shown_on_a_terminal(target: str, tmp_path: Path, speech: Path, source: str) -> None:
    controller, terminal = pty.openpty()
    command: list[str | Path] = [COMMAND, "encode", source, "out.wav", "--target", target]
    command += ["--input-rate", "24000"] if source == "-" else []
    with speech.open("rb") as stdin:
        subprocess.run(
            command,
            cwd=tmp_path,
            stdin=stdin,
            stderr=terminal,
            check=True,
            timeout=60,
            env=os.environ | {"TERM": "xterm"},
        )
    os.close(terminal)
    shown = b""
    while chunk := _read(controller):
        shown += chunk
    os.close(controller)
    assert b"3.0 s" in shown
    assert (b"100%" in shown) == (source != "-")


def _read(controller: int) -> bytes:
    try:
        return os.read(controller, 65536)
    except OSError:  # on Linux, if the other end is closed
        return b""


def test_formats_prints_a_table(target: str) -> None:
    done = run("formats", "--target", target, environment={"COLUMNS": "160"})
    lines = done.stdout.decode().splitlines()
    assert any(line.split() == ["pcm", "1", "…", "768", "1", "…", "8", *SAMPLES, "–", "–", "–"] for line in lines)


def test_formats_leaves_out_the_sample_formats_of_a_newer_server(monkeypatch: pytest.MonkeyPatch) -> None:
    newer = FormatInfo(name="new", sample_formats=[SampleFormat.SAMPLE_FORMAT_MULAW, 99])  # type: ignore[list-item]
    monkeypatch.setattr("audiowriter_cli.formats.list_formats", lambda *_, **__: [newer])
    done = CliRunner().invoke(formats, ["--target", "localhost:1"])
    assert "mulaw" in done.stdout
    assert done.exit_code == 0


def test_health_sets_the_exit_code(target: str, tmp_path: Path) -> None:
    done = run("health", environment={"AUDIOWRITER_TARGET": target})
    assert (done.returncode, done.stdout.decode()) == (0, f"{target}: SERVING\n")
    assert run("health", "--target", f"unix:{tmp_path}/none").returncode == 1


@pytest.fixture
def secured_server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Start a server with TLS and tokens; yield its target and the certificate of its certificate authority."""
    cert, key, tokens = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "tokens"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject]
    subprocess.run([*request, "-keyout", key, "-out", cert], check=True, capture_output=True, timeout=60)
    tokens.write_text("sesame\n")
    options = [f"--tls-cert={cert}", f"--tls-key={key}", f"--token-file={tokens}"]
    with serving(*options) as address:
        yield "localhost:" + address.rpartition(":")[2], cert


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl creates the certificate")
def test_server_with_tls_and_tokens_accepts_token_and_certificate(
    secured_server: tuple[str, Path], tmp_path: Path, speech: Path
) -> None:
    target, authority = secured_server
    plain: list[str | Path] = ["encode", speech, tmp_path / "out.wav", "--target", target]
    tls: list[str | Path] = [*plain, "--tls-ca", authority]
    assert b"UNAVAILABLE" in run(*plain).stderr
    assert b"UNAUTHENTICATED" in run(*tls).stderr
    assert run(*tls, environment={"AUDIOWRITER_TOKEN": "sesame"}).returncode == 0
    assert (tmp_path / "out.wav").exists()


@contextmanager
def serving(*options: str) -> Iterator[str]:
    with subprocess.Popen([COMMAND, "serve", "--port=0", *options], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = next((line for line in process.stderr if "listening on " in line), "")
            yield line.rpartition(" ")[2].strip()
        finally:
            process.terminate()
            process.communicate(timeout=10)
    assert process.returncode == 0


def test_serve_runs_until_a_signal(tmp_path: Path, speech: Path) -> None:
    with serving() as target:
        assert run("encode", speech, tmp_path / "out.wav", "--target", target).returncode == 0
