"""Files that libsndfile cannot read, and other decoders."""

import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import av
import numpy as np
import pytest
import soundfile
from audiowriter_cli import decoders
from audiowriter_cli.decoders import open_file
from audiowriter_cli.ffmpeg import NoAudio
from numpy.typing import NDArray
from support.command import run
from support.media import write

RATE_HZ = 24000


def decoded(path: Path) -> tuple[str, NDArray[np.float64]]:
    """Return the sample format and the samples."""
    with open_file(str(path)) as source:
        blocks = [np.asarray(block) for block in source.blocks]
        assert source.format.sample_rate_hz == RATE_HZ
        return source.format.sample_format, np.concatenate(blocks)


def packets(path: Path) -> int:
    with av.open(path) as container:
        return sum(packet.size > 0 for packet in container.demux(audio=0))


def test_ffmpeg_program_is_not_required(tmp_path: Path, samples: NDArray[np.int16]) -> None:
    source = write(tmp_path / "in.m4a", samples[:, None], RATE_HZ, "alac")
    done = run("encode", source, tmp_path / "out.wav", environment={"PATH": str(tmp_path)})
    assert (done.returncode, done.stderr.count(b"\n")) == (0, 1)
    np.testing.assert_array_equal(soundfile.read(tmp_path / "out.wav", dtype="int16")[0], samples)


def test_24_bits_are_kept(tmp_path: Path) -> None:
    noise = np.random.default_rng(5).integers(-(2**23), 2**23, (20000, 2), np.int32)
    sample_format, samples = decoded(write(tmp_path / "in.m4a", noise << 8, RATE_HZ, "alac"))
    assert sample_format == "s24le"
    np.testing.assert_array_equal(samples, noise)


@pytest.mark.parametrize("extension", ["m4a", "mp4"])
def test_priming_of_aac_is_removed(target: str, tmp_path: Path, samples: NDArray[np.int16], extension: str) -> None:
    path = tmp_path / f"in.{extension}"
    soundfile.write(tmp_path / "in.wav", samples, RATE_HZ)
    assert run("encode", tmp_path / "in.wav", path, "--target", target, "--bitrate", "64k").returncode == 0
    sample_format, found = decoded(path)
    assert sample_format == "f32le"
    # FFmpeg returns the last frame completely.
    assert len(samples) <= len(found) == 1024 * (packets(path) - 1) < len(samples) + 1024
    assert np.corrcoef(found[: len(samples), 0], samples)[0, 1] > 0.99


def test_adts_keeps_its_priming(target: str, tmp_path: Path, samples: NDArray[np.int16]) -> None:
    soundfile.write(tmp_path / "in.wav", samples, RATE_HZ)
    path = tmp_path / "in.aac"
    assert run("encode", tmp_path / "in.wav", path, "--target", target, "--bitrate", "64k").returncode == 0
    _, found = decoded(path)
    assert len(found) == 1024 * packets(path)
    assert np.corrcoef(found[1024 : 1024 + len(samples), 0], samples)[0, 1] > 0.99


def test_webm_is_exact_to_the_sample(target: str, tmp_path: Path, samples: NDArray[np.int16]) -> None:
    soundfile.write(tmp_path / "in.wav", samples, RATE_HZ)
    path = tmp_path / "in.webm"
    assert run("encode", tmp_path / "in.wav", path, "--target", target).returncode == 0
    with open_file(str(path)) as source:
        assert source.format.sample_rate_hz == 48000
        assert sum(len(block) for block in source.blocks) == 2 * len(samples)


def test_channels_that_change_are_converted(tmp_path: Path, samples: NDArray[np.int16]) -> None:
    tone = (samples / np.float32(32768)).astype(np.float32)
    stereo = write(tmp_path / "stereo.aac", np.stack([tone, tone], 1), RATE_HZ, "aac")
    mono = write(tmp_path / "mono.aac", tone[:, None], 2 * RATE_HZ, "aac")
    (tmp_path / "in.aac").write_bytes(stereo.read_bytes() + mono.read_bytes() + stereo.read_bytes())
    _, found = decoded(tmp_path / "in.aac")
    expected = 1024 * (2 * packets(stereo) + packets(mono) / 2)
    assert found.shape == (pytest.approx(expected, abs=100), 2)


def test_damaged_packets_are_counted(target: str, tmp_path: Path, samples: NDArray[np.int16]) -> None:
    tone = (samples / np.float32(32768)).astype(np.float32)
    file = bytearray(write(tmp_path / "in.m4a", tone[:, None], RATE_HZ, "aac").read_bytes())
    middle = len(file) // 2
    file[middle : middle + 1000] = b"\xff" * 1000
    (tmp_path / "in.m4a").write_bytes(file)
    done = run("encode", tmp_path / "in.m4a", tmp_path / "out.wav", "--target", target)
    first, *others = done.stderr.decode().splitlines()
    assert done.returncode == 0
    assert first.startswith(f"audiowriter: {tmp_path}/in.m4a: damaged packets skipped: ")
    assert len(others) == 1


def test_mp3_has_no_break_between_blocks(target: str, tmp_path: Path) -> None:
    """Frames use bits of the previous frames."""
    noise = np.random.default_rng(7).normal(0, 8000, 100_000).clip(-32768, 32767).astype(np.int16)
    noise[::50_000] = 32767
    soundfile.write(tmp_path / "in.wav", noise, RATE_HZ)
    assert (
        run("encode", tmp_path / "in.wav", tmp_path / "in.mp3", "--target", target, "--bitrate", "32k").returncode == 0
    )
    _, found = decoded(tmp_path / "in.mp3")
    np.testing.assert_allclose(found[:, 0], soundfile.read(tmp_path / "in.mp3", dtype="float32")[0], atol=1e-6)


def test_error_of_libsndfile_amid_a_file_is_one_line(target: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(6).integers(-(2**15), 2**15, 200_000).astype(np.int16)
    soundfile.write(tmp_path / "in.flac", noise, RATE_HZ)
    file = (tmp_path / "in.flac").read_bytes()
    (tmp_path / "in.flac").write_bytes(file[: len(file) // 2])
    done = run("encode", tmp_path / "in.flac", tmp_path / "out.wav", "--target", target)
    assert done.returncode == 1
    assert done.stderr.decode().startswith(f"audiowriter: {tmp_path}/in.flac: ")
    assert done.stderr.count(b"\n") == 1
    assert not (tmp_path / "out.wav").exists()


def test_colon_in_a_name_is_not_a_protocol(tmp_path: Path, samples: NDArray[np.int16]) -> None:
    path = write(tmp_path / "in.m4a", samples[:, None], RATE_HZ, "alac").rename(tmp_path / "concat:in.m4a")
    subprocess.run(
        [sys.executable, "-c", "from audiowriter_cli import main; main()", "encode", path.name, "out.wav"],
        cwd=tmp_path,
        check=True,
        timeout=60,
    )
    np.testing.assert_array_equal(soundfile.read(tmp_path / "out.wav", dtype="int16")[0], samples)


@pytest.mark.parametrize("bytes_", [b"\0\0\0\x18ftypM4A ", b"no audio at all", b""])
def test_error_of_an_unreadable_file_is_one_line(tmp_path: Path, bytes_: bytes) -> None:
    (tmp_path / "in.m4a").write_bytes(bytes_)
    done = run("encode", tmp_path / "in.m4a", tmp_path / "out.wav", environment={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert done.stderr.decode() == (
        f"audiowriter: {tmp_path}/in.m4a: neither libsndfile nor PyAV can read it, and no ffmpeg is on PATH\n"
    )


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="pydub decodes with an ffmpeg program")
def test_pydub_is_used_last(tmp_path: Path, samples: NDArray[np.int16], monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "in.flac", samples, RATE_HZ)
    monkeypatch.setattr(decoders, "decode_file", Mock(side_effect=NoAudio))
    sample_format, found = decoded(tmp_path / "in.flac")
    assert sample_format == "s16le"
    np.testing.assert_array_equal(found[:, 0], samples)


_PEAK = """
import sys
from audiowriter_cli import main

assert main() == 0
with open("/proc/self/status") as status:
    print(*[line.split()[1] for line in status if line.startswith("VmHWM:")])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("source", ["{}", "-"])
def test_memory_does_not_grow_with_the_length(target: str, tmp_path: Path, source: str) -> None:
    """Half an hour needs no more memory than ten seconds; its samples would be 86 MB."""
    peaks = []
    for seconds in (10, 1800):
        silence = np.zeros((seconds * RATE_HZ, 1), np.int16)
        path = write(tmp_path / "in.m4a", silence, RATE_HZ, "alac")
        arguments = ["encode", source.format(path), "/dev/null", "--format", "pcm", "--target", target, "--quiet"]
        with path.open("rb") as stdin:
            done = subprocess.run(
                [sys.executable, "-c", _PEAK, *arguments], stdin=stdin, capture_output=True, check=True, timeout=100
            )
        peaks.append(int(done.stdout) // 1024)
    assert peaks[1] - peaks[0] < 20, peaks
