"""`audiowriter encode`: inputs and outputs."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from support.command import COMMAND, run, start

Names = Callable[[], list[str]]


def test_encode_brings_its_own_server(tmp_path: Path, names: Names, speech: Path, samples: NDArray[np.int16]) -> None:
    done = run("encode", speech, tmp_path / "out.flac")
    assert done.returncode == 0
    assert done.stderr.decode().startswith(f"{tmp_path}/out.flac: 3.00 s, ")
    assert done.stderr.decode().count("\n") == 1
    decoded, _ = soundfile.read(tmp_path / "out.flac", dtype="int16")
    np.testing.assert_array_equal(decoded, samples)
    assert names() == ["in.wav", "out.flac"]


@pytest.mark.parametrize("extension", ["wav", "ogg", "opus", "flac", "mp3", "aac", "pcm", "raw"])
def test_extension_determines_the_format(target: str, tmp_path: Path, speech: Path, extension: str) -> None:
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
def test_samples_are_unchanged(target: str, tmp_path: Path, subtype: str, expected: str) -> None:
    noise = np.random.default_rng(2).uniform(-1, 1, (5000, 2))
    source, out = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(source, noise, 44100, subtype=subtype)
    assert run("encode", source, out, "--target", target).returncode == 0
    assert soundfile.info(out).subtype == expected
    np.testing.assert_array_equal(soundfile.read(out)[0], soundfile.read(source)[0])


def test_options_are_applied(target: str, tmp_path: Path, speech: Path) -> None:
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


@pytest.mark.parametrize("where", ["in process", "by a server"])
def test_json_has_the_totals(target: str, tmp_path: Path, speech: Path, where: str) -> None:
    server = () if where == "in process" else ("--target", target)
    out = tmp_path / "o.MP3"
    done = run("encode", speech, out, "--json", "--loudness", "--bitrate", "64K", "--tag", "Title=Fox", *server)
    (line,) = done.stdout.splitlines()
    totals = json.loads(line)
    assert (totals["output"], totals["file_bytes"], totals["duration_s"]) == (str(out), out.stat().st_size, 3)
    assert totals["file_crc32c"] == f"{google_crc32c.value(out.read_bytes()):08x}"
    assert totals["loudness"]["integrated_lufs"] < 0
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_many_files_go_to_a_folder(tmp_path: Path, speech: Path, names: Names, jobs: str) -> None:
    sources = [tmp_path / f"{name}.wav" for name in "abc"]
    for source in sources:
        shutil.copy(speech, source)
    (tmp_path / "out").mkdir()
    sources[1].write_bytes(b"no audio")
    options = ("--format", "Opus", "--jobs", jobs)
    done = run("encode", *sources, tmp_path / "missing.wav", tmp_path / "out", *options)
    lines = sorted(done.stderr.decode().splitlines())
    assert done.returncode == 1
    assert [line.split(": ")[:2] for line in lines[2:]] == [
        ["audiowriter", str(sources[1])],
        ["audiowriter", f"{tmp_path}/missing.wav"],
    ]
    assert [line.split(": ")[0] for line in lines[:2]] == [f"{tmp_path}/out/a.opus", f"{tmp_path}/out/c.opus"]
    assert names() == ["a.wav", "b.wav", "c.wav", "in.wav", "out"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.opus", "c.opus"]


@pytest.mark.parametrize("where", ["in process", "by a server"])
def test_level_is_changed_and_printed(target: str, tmp_path: Path, speech: Path, where: str) -> None:
    server = () if where == "in process" else ("--target", target)
    done = run("encode", speech, tmp_path / "o.opus", *server, "--gain", "3", "--limit", "-6", "--loudness")
    assert done.returncode == 0
    assert re.search(r", -[0-9.]+ LUFS, range [0-9.]+ LU, true peak -[67]\.[0-9] dBTP\n", done.stderr.decode())


def test_bitrate_and_quality_determine_the_size(target: str, tmp_path: Path, speech: Path) -> None:
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


def test_stdout_receives_live_bytes_immediately(target: str) -> None:
    options = ["--format", "wav", "--input-rate", "24000", "--target", target]
    with start("encode", "-", "-", *options) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"\1\0" * 24000)
        process.stdin.flush()
        assert process.stdout.read(4) == b"RIFF"  # while stdin is open
        process.stdin.close()
        assert process.stdout.read().endswith(b"\1\0" * 24000)
        assert process.wait(10) == 0


def encode_to(out: Path, source: Path, target: str, *, mode: str = "wb", position: int = 0) -> None:
    with out.open(mode) as stdout:
        stdout.seek(position)
        subprocess.run(
            [COMMAND, "encode", source, "-", "--format", "wav", "--target", target],
            stdout=stdout,
            check=True,
            timeout=60,
        )


def test_stdout_that_can_seek_receives_the_header(target: str, tmp_path: Path, speech: Path) -> None:
    run("encode", speech, tmp_path / "named.wav", "--target", target)
    encode_to(tmp_path / "out.wav", speech, target)
    assert (tmp_path / "out.wav").read_bytes() == (tmp_path / "named.wav").read_bytes()


def test_header_is_written_where_stdout_started(target: str, tmp_path: Path, speech: Path) -> None:
    run("encode", speech, tmp_path / "named.wav", "--target", target)
    (tmp_path / "out").write_bytes(b"before")
    encode_to(tmp_path / "out", speech, target, mode="r+b", position=6)
    assert (tmp_path / "out").read_bytes() == b"before" + (tmp_path / "named.wav").read_bytes()


def test_stdout_in_append_mode_receives_the_live_bytes(target: str, tmp_path: Path, speech: Path) -> None:
    (tmp_path / "out").write_bytes(b"before")
    encode_to(tmp_path / "out", speech, target, mode="ab")
    live = run("encode", speech, "-", "--format", "wav", "--target", target).stdout
    assert (tmp_path / "out").read_bytes() == b"before" + live


@pytest.mark.parametrize(
    ("name", "options", "on_server"),
    [
        ("in.ul", [], False),
        ("in.pcm", ["--input-format", "mulaw"], True),
        ("-", ["--input-format", "mulaw"], False),
    ],
)
def test_mulaw_is_copied_and_decoded(
    target: str, tmp_path: Path, name: str, options: list[str], on_server: bool
) -> None:
    codes = bytes(range(256)) * 10
    (tmp_path / "in.ul").write_bytes(codes)
    (tmp_path / "in.pcm").write_bytes(codes)
    source = name if name == "-" else tmp_path / name
    options = [*options, "--input-rate", "8000", *(["--target", target] if on_server else [])]
    done = run("encode", source, tmp_path / "copy.wav", "--format", "wav-mulaw", *options, stdin=codes)
    assert (done.returncode, (tmp_path / "copy.wav").read_bytes()[-2560:]) == (0, codes)
    assert run("encode", source, tmp_path / "out.wav", *options, stdin=codes).returncode == 0
    decoded, copied = (soundfile.read(tmp_path / name, dtype="int16") for name in ("out.wav", "copy.wav"))
    np.testing.assert_array_equal(decoded[0], copied[0])
    assert decoded[1] == 8000


def test_alaw_file_requires_its_sample_rate(tmp_path: Path) -> None:
    codes = bytes(range(256))
    (tmp_path / "in.al").write_bytes(codes)
    done = run("encode", tmp_path / "in.al", tmp_path / "out.al")
    assert (done.returncode, done.stderr.decode().splitlines()[-1]) == (2, "audiowriter: raw PCM needs --input-rate")
    done = run("encode", tmp_path / "in.al", tmp_path / "copy.al", "--input-rate", "8000")
    assert (done.returncode, (tmp_path / "copy.al").read_bytes()) == (0, codes)


def test_raw_file_requires_its_format(target: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(3).uniform(-1, 1, (5000, 2)).astype(np.float32)
    (tmp_path / "in.pcm").write_bytes(noise.tobytes())
    options = ["--input-format", "f32le", "--input-rate", "8000", "--input-channels", "2", "--target", target]
    assert run("encode", tmp_path / "in.pcm", tmp_path / "out.wav", *options).returncode == 0
    decoded, rate = soundfile.read(tmp_path / "out.wav", dtype="float32")
    assert rate == 8000
    np.testing.assert_array_equal(decoded, noise)
