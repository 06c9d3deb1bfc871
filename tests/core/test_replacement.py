"""open_audio and paths: what is replaced, what is written directly, and what survives."""

import os
import stat
import time
from pathlib import Path
from threading import Thread

import pytest
from audiowriter_core import open_audio

PCM = bytes(48_000)


def encode(path: Path) -> None:
    with open_audio(path, format="pcm", sample_rate_hz=24_000) as audio:
        audio.write(PCM)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("permissions", [0o600, 0o640, 0o644, 0o777])
def test_a_replaced_file_keeps_its_permissions_from_the_start(tmp_path: Path, permissions: int) -> None:
    path = tmp_path / "a.pcm"
    path.write_bytes(b"old")
    path.chmod(permissions)
    with open_audio(path, sample_rate_hz=24_000) as audio:
        assert [mode(file) for file in tmp_path.iterdir()] == [permissions] * 2
        audio.write(PCM)
    assert mode(path) == permissions
    assert path.read_bytes() == PCM
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    encode(tmp_path / "a.pcm")
    (tmp_path / "b").touch()
    assert mode(tmp_path / "a.pcm") == mode(tmp_path / "b")


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127 + "x"])
def test_a_name_may_have_255_bytes(tmp_path: Path, name: str) -> None:
    encode(tmp_path / name)
    assert (tmp_path / name).read_bytes() == PCM


def test_a_name_that_is_too_long_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 256)
    with pytest.raises(OSError, match="File name too long") as caught:
        open_audio(path, format="pcm", sample_rate_hz=24_000)
    assert caught.value.filename == str(path)
    assert not list(tmp_path.iterdir())


def test_a_link_stays_a_link_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "target", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o600)
    link.symlink_to("folder/target")
    encode(link)
    assert link.is_symlink()
    assert target.read_bytes() == PCM
    assert mode(target) == 0o600
    assert list((tmp_path / "folder").iterdir()) == [target]


def test_the_target_of_a_dangling_link_is_created(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    encode(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == PCM


def test_a_fifo_is_written_directly_and_at_once(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    received: list[bytes] = []

    def read() -> None:
        with fifo.open("rb", buffering=0) as file:
            received.append(file.read(100))
            while piece := file.read(65_536):
                received.append(piece)

    reader = Thread(target=read)
    reader.start()
    with open_audio(fifo, format="pcm", sample_rate_hz=24_000) as audio:
        audio.write(PCM[:100])
        deadline = time.monotonic() + 20
        while not received and time.monotonic() < deadline:
            time.sleep(0.01)
        received_at_once = bool(received)
        audio.write(PCM[100:])
    reader.join()
    assert received_at_once
    assert b"".join(received) == PCM
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert list(tmp_path.iterdir()) == [fifo]


def test_a_device_is_written_directly() -> None:
    encode(Path(os.devnull))
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_a_folder_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        open_audio(tmp_path, format="pcm", sample_rate_hz=24_000)
    assert not list(tmp_path.iterdir())


def test_file_and_folder_are_synced_around_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pcm"
    synced: list[tuple[str, bool, int]] = []
    sync = os.fsync

    def record(descriptor: int) -> None:
        status = os.fstat(descriptor)
        synced.append(("folder" if stat.S_ISDIR(status.st_mode) else "file", path.exists(), status.st_size))
        sync(descriptor)

    monkeypatch.setattr("os.fsync", record)
    encode(path)
    assert synced[0] == ("file", False, len(PCM))
    assert synced[1][:2] == ("folder", True)
    assert len(synced) == 2
