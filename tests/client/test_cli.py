"""The command as it is installed, in a process of its own."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

Names = Callable[[], list[str]]
SAMPLES = ["s16le", "s24le", "s32le", "f32le", "f64le", "u8"]
COMMAND = Path(sys.executable).with_name("audiowriter")


def run(
    *arguments: str | Path, stdin: bytes = b"", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
        env=os.environ | (environment or {}),
    )


@pytest.fixture
def speech(tmp_path: Path, samples: NDArray[np.int16]) -> Path:
    path = tmp_path / "in.wav"
    soundfile.write(path, samples, 24000, subtype="PCM_16")
    return path


def test_version_is_the_distributions() -> None:
    assert run("version").stdout.decode().strip() == metadata.version("audiowriter")


def test_encode_brings_its_own_server(tmp_path: Path, names: Names, speech: Path, samples: NDArray[np.int16]) -> None:
    done = run("encode", speech, tmp_path / "out.flac")
    assert done.returncode == 0
    assert done.stderr.decode().startswith(f"{tmp_path}/out.flac: 3.00 s, ")
    assert done.stderr.decode().count("\n") == 1
    decoded, _ = soundfile.read(tmp_path / "out.flac", dtype="int16")
    np.testing.assert_array_equal(decoded, samples)
    assert names() == ["in.wav", "out.flac"]


@pytest.mark.parametrize("extension", ["wav", "ogg", "opus", "flac", "mp3", "aac", "pcm", "raw"])
def test_extension_names_the_format(target: str, tmp_path: Path, speech: Path, extension: str) -> None:
    out = tmp_path / f"out.{extension}"
    done = run("encode", speech, out, "--target", target, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    magic = {"wav": b"RIFF", "ogg": b"OggS", "opus": b"OggS", "flac": b"fLaC", "mp3": b"\xff", "aac": b"\xff\xf1"}
    assert out.read_bytes().startswith(magic.get(extension, b""))


@pytest.mark.parametrize(
    ("subtype", "expected"),
    [
        ("PCM_U8", "PCM_U8"),
        ("PCM_16", "PCM_16"),
        ("PCM_24", "PCM_24"),
        ("PCM_32", "PCM_32"),
        ("FLOAT", "FLOAT"),
        ("DOUBLE", "DOUBLE"),
        ("ULAW", "PCM_16"),
    ],
)
def test_samples_come_through_as_they_are(target: str, tmp_path: Path, subtype: str, expected: str) -> None:
    noise = np.random.default_rng(2).uniform(-1, 1, (5000, 2))
    source, out = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(source, noise, 44100, subtype=subtype)
    assert run("encode", source, out, "--target", target).returncode == 0
    assert soundfile.info(out).subtype == expected
    np.testing.assert_array_equal(soundfile.read(out)[0], soundfile.read(source)[0])


def test_options_reach_the_file(target: str, tmp_path: Path, speech: Path) -> None:
    options = [
        "--rate",
        "48000",
        "--channels",
        "2",
        "--sample-format",
        "s24le",
        "--effort",
        "0",
        "--tag",
        "title=Ωmega",
    ]
    assert run("encode", speech, tmp_path / "o.flac", "--target", target, *options).returncode == 0
    with soundfile.SoundFile(tmp_path / "o.flac") as file:
        assert (file.samplerate, file.channels, file.subtype, file.title) == (48000, 2, "PCM_24", "Ωmega")


def test_bitrate_and_quality_decide_the_size(target: str, tmp_path: Path, speech: Path) -> None:
    sizes = []
    for rate in (["--bitrate", "32k"], ["--bitrate", "128000"], ["--quality", "0"], ["--quality", "1"]):
        assert run("encode", speech, tmp_path / "o.mp3", "--target", target, *rate).returncode == 0
        sizes.append((tmp_path / "o.mp3").stat().st_size)
    assert sizes[0] < sizes[1]
    assert sizes[2] < sizes[3]


def test_stdin_to_stdout(target: str, samples: NDArray[np.int16]) -> None:
    options = ["--format", "pcm", "--input-rate", "24000", "--target", target]
    done = run("encode", "-", "-", *options, stdin=samples.tobytes())
    assert (done.returncode, done.stdout) == (0, samples.tobytes())
    assert done.stderr.decode().startswith("-: 3.00 s, 144,000 bytes, ")


def test_stdout_gets_the_live_bytes_at_once(target: str) -> None:
    command: list[str | Path] = [
        COMMAND,
        "encode",
        "-",
        "-",
        "--format",
        "wav",
        "--input-rate",
        "24000",
        "--target",
        target,
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"\1\0" * 24000)
        process.stdin.flush()
        assert process.stdout.read(4) == b"RIFF"  # while stdin is open
        process.stdin.close()
        assert process.stdout.read().endswith(b"\1\0" * 24000)
        assert process.wait(10) == 0


def test_raw_file_needs_its_format(target: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(3).uniform(-1, 1, (5000, 2)).astype(np.float32)
    (tmp_path / "in.pcm").write_bytes(noise.tobytes())
    options = ["--input-format", "f32le", "--input-rate", "8000", "--input-channels", "2", "--target", target]
    assert run("encode", tmp_path / "in.pcm", tmp_path / "out.wav", *options).returncode == 0
    decoded, rate = soundfile.read(tmp_path / "out.wav", dtype="float32")
    assert rate == 8000
    np.testing.assert_array_equal(decoded, noise)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="FFmpeg makes and reads this file")
def test_what_libsndfile_cannot_read_goes_through_ffmpeg(target: str, tmp_path: Path, speech: Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-i", speech, tmp_path / "in.m4a"], check=True, timeout=60)
    assert run("encode", tmp_path / "in.m4a", tmp_path / "out.wav", "--target", target).returncode == 0
    info = soundfile.info(tmp_path / "out.wav")
    assert (info.samplerate, info.channels, info.subtype) == (24000, 1, "PCM_16")
    assert info.duration == pytest.approx(3, abs=0.1)


def test_without_ffmpeg_it_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "in.m4a").write_bytes(b"\0\0\0\x18ftypM4A ")
    done = run("encode", tmp_path / "in.m4a", tmp_path / "out.wav", environment={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert done.stderr.decode() == (
        f"audiowriter: {tmp_path}/in.m4a: libsndfile can't read it, and FFmpeg, which might, is not on PATH\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in.wav"], "Missing argument 'OUT'."),
        (["in.wav", "out.xyz"], "out.xyz: no format by this name: give --format"),
        (["in.wav", "in.wav"], "in.wav and in.wav are the same file"),
        (["in.wav", "link.wav"], "in.wav and link.wav are the same file"),
        (["-", "out.wav"], "raw PCM needs --input-rate"),
        (["in.wav", "out.wav", "--input-rate", "8000"], "--input-… are for raw PCM"),
        (["in.wav", "out.mp3", "--bitrate", "fast"], "'fast' is not a bitrate such as 96k or 96000"),
        (["in.wav", "out.mp3", "--bitrate", "96k", "--quality", "1"], "bitrate_bps and vbr_quality exclude each other"),
        (["in.wav", "out.mp3", "--tag", "title"], "'title' is not NAME=TEXT"),
        (["in.wav", "out.wav", "--rate", "4294967296"], "4294967296"),
    ],
)
def test_wrong_usage_is_one_line_and_2(
    tmp_path: Path, speech: Path, names: Names, arguments: Sequence[str], message: str
) -> None:
    (tmp_path / "link.wav").symlink_to(speech)
    done = subprocess.run(
        [COMMAND, "encode", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
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
def test_input_that_cannot_be_opened_is_named(tmp_path: Path, source: str, message: str) -> None:
    done = subprocess.run(
        [COMMAND, "encode", source, "out.wav"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (1, f"audiowriter: {message}\n")


def test_server_that_is_not_there_is_one_line(tmp_path: Path, speech: Path, names: Names) -> None:
    done = run("encode", speech, tmp_path / "out.wav", "--target", f"unix:{tmp_path}/none")
    assert done.returncode == 1
    assert done.stderr.decode().startswith("audiowriter: UNAVAILABLE: ")
    assert done.stderr.decode().count("\n") == 1
    assert names() == ["in.wav"]


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("embedded", [True, False])
def test_signal_leaves_no_file(
    target: str, tmp_path: Path, names: Names, number: signal.Signals, exit_code: int, embedded: bool
) -> None:
    command: list[str | Path] = [COMMAND, "encode", "-", tmp_path / "out.wav", "--input-rate", "24000"]
    command += [] if embedded else ["--target", target]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
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


def test_closed_pipe_ends_quietly(target: str) -> None:
    command: list[str | Path] = [
        COMMAND,
        "encode",
        "-",
        "-",
        "--format",
        "pcm",
        "--input-rate",
        "24000",
        "--target",
        target,
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, errors = process.communicate(bytes(2**20), timeout=30)
        assert (process.returncode, errors) == (1, b"")


@pytest.mark.parametrize("source", ["in.wav", "-"])
def test_terminal_sees_progress(target: str, tmp_path: Path, speech: Path, source: str) -> None:
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
    except OSError:  # Linux: the other end is closed
        return b""


def test_formats_are_a_table(target: str) -> None:
    done = run("formats", "--target", target, environment={"COLUMNS": "160"})
    lines = done.stdout.decode().splitlines()
    assert any(line.split() == ["pcm", "1", "…", "768", "1", "…", "8", *SAMPLES, "–", "–", "–"] for line in lines)


def test_health_tells_by_its_exit_code(target: str, tmp_path: Path) -> None:
    done = run("health", environment={"AUDIOWRITER_TARGET": target})
    assert (done.returncode, done.stdout.decode()) == (0, f"{target}: SERVING\n")
    assert run("health", "--target", f"unix:{tmp_path}/none").returncode == 1


@pytest.fixture
def secured_server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server with TLS and tokens: its target and the certificate of its authority."""
    cert, key, tokens = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "tokens"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject]
    subprocess.run([*request, "-keyout", key, "-out", cert], check=True, capture_output=True, timeout=60)
    tokens.write_text("sesame\n")
    options = [f"--tls-cert={cert}", f"--tls-key={key}", f"--token-file={tokens}"]
    with serving(*options) as address:
        yield "localhost:" + address.rpartition(":")[2], cert


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_token_and_certificate_open_a_secured_server(
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


def test_serve_serves_until_it_is_told_to_stop(tmp_path: Path, speech: Path) -> None:
    with serving() as target:
        assert run("encode", speech, tmp_path / "out.wav", "--target", target).returncode == 0
