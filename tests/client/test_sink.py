import io
import os
import resource
import stat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import pytest
from audiowriter_client.sink import Destination, FileSink, open_sink


class Pipe(io.BytesIO):
    """A file that can't seek."""

    def seekable(self) -> bool:
        return False


def write_file(destination: Destination, header: bytes = b"HE") -> None:
    sink = open_sink(destination)
    sink.write(b"headbo")
    sink.write(b"dy")
    sink.finish(header)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("kind", [str, Path])
def test_path_appears_when_complete(tmp_path: Path, kind: type) -> None:
    path = tmp_path / "a.wav"
    sink = open_sink(kind(path))
    sink.write(b"headbody")
    assert not path.exists()
    sink.finish(b"HE")
    assert path.read_bytes() == b"HEadbody"
    assert names(tmp_path) == ["a.wav"]


def test_discarded_path_leaves_no_file(tmp_path: Path) -> None:
    sink = open_sink(tmp_path / "a.wav")
    sink.write(b"head")
    assert len(names(tmp_path)) == 1
    sink.discard()
    assert names(tmp_path) == []


def test_discarded_path_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"old")
    sink = open_sink(path)
    sink.write(b"new")
    sink.discard()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.wav"]


def test_new_file_has_default_permissions(tmp_path: Path) -> None:
    write_file(tmp_path / "a.wav")
    (tmp_path / "b").touch()
    assert (tmp_path / "a.wav").stat().st_mode == (tmp_path / "b").stat().st_mode


@pytest.mark.parametrize("permissions", [0o600, 0o644, 0o777])
def test_replaced_file_keeps_its_permissions_from_the_start(tmp_path: Path, permissions: int) -> None:
    path = tmp_path / "a.wav"
    path.touch()
    path.chmod(permissions)
    sink = open_sink(path)
    assert [stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()] == [permissions] * 2
    sink.finish(b"")
    assert stat.S_IMODE(path.stat().st_mode) == permissions


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127 + "x"])
def test_name_may_have_255_bytes(tmp_path: Path, name: str) -> None:
    write_file(tmp_path / name)
    assert (tmp_path / name).read_bytes() == b"HEadbody"


def test_file_and_folder_are_synced_around_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.wav"
    synced: list[tuple[str, bool, bytes]] = []
    sync = os.fsync

    def record(descriptor: int) -> None:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        (file,) = tmp_path.iterdir()
        synced.append(("folder" if folder else "file", path.exists(), file.read_bytes()))
        sync(descriptor)

    monkeypatch.setattr("os.fsync", record)
    write_file(path)
    assert synced == [("file", False, b"HEadbody"), ("folder", True, b"HEadbody")]


def test_symbolic_link_is_kept(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.touch()
    link.symlink_to(target)
    write_file(link)
    assert link.is_symlink()
    assert target.read_bytes() == b"HEadbody"


def test_target_of_a_dangling_link_is_created(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    write_file(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"HEadbody"


def test_fifo_gets_the_live_bytes_at_once(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        sink = open_sink(fifo)
        sink.write(b"headbody")
        assert os.read(reading, 100) == b"headbody"
        sink.finish(b"HE")
        assert os.read(reading, 100) == b""
    finally:
        os.close(reading)
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert names(tmp_path) == ["fifo"]


def test_device_is_not_replaced() -> None:
    write_file(os.devnull)
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("missing/a.wav", FileNotFoundError),
        (".", IsADirectoryError),
        ("file/a.wav", NotADirectoryError),
        ("link/a.wav", FileNotFoundError),
        ("file/", NotADirectoryError),
        ("new/", IsADirectoryError),
        ("", FileNotFoundError),
    ],
)
def test_path_that_cannot_be_written_is_refused_at_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, kind: type[OSError]
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("gone")
    monkeypatch.chdir(tmp_path)
    for given in (path, Path(path)) if str(Path(path)) == path else (path,):
        with pytest.raises(kind) as caught:
            open_sink(given)
        assert (caught.value.filename, caught.value.filename2) == (path, None)


def test_path_with_a_null_byte_is_refused_at_open() -> None:
    with pytest.raises(ValueError, match=r"^sink: 'a\\x00b' has a null byte"):
        open_sink("a\0b")


def test_folder_without_permission_is_refused_at_open() -> None:
    user = os.geteuid()
    with TemporaryDirectory() as folder:  # not tmp_path, which other users cannot enter
        Path(folder).chmod(0o555)
        try:
            if not user:  # root has all permissions
                os.seteuid(65534)
            with pytest.raises(PermissionError) as caught:
                open_sink(f"{folder}/a.wav")
        finally:
            os.seteuid(user)
    assert caught.value.filename == f"{folder}/a.wav"


def test_error_names_a_path_that_became_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    sink = open_sink(path)
    path.mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        sink.finish(b"")
    assert (caught.value.filename, caught.value.filename2) == (str(path), None)


def test_error_of_a_full_disk_names_the_path(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    sink = open_sink(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))  # Python ignores SIGXFSZ
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            sink.write(bytes(2**17))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        sink.discard()
    assert caught.value.filename == str(path)


def test_header_is_written_where_the_file_starts() -> None:
    file = io.BytesIO(b"before")
    file.seek(0, io.SEEK_END)
    write_file(file)
    assert file.getvalue() == b"beforeHEadbody"
    assert file.tell() == len(b"beforeHEadbody")


def test_file_that_cannot_seek_receives_the_live_bytes() -> None:
    file = Pipe()
    write_file(file)
    assert file.getvalue() == b"headbody"


def test_file_in_append_mode_receives_the_live_bytes(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"before")
    with path.open("ab") as file:
        write_file(file)
    assert path.read_bytes() == b"beforeheadbody"


def test_descriptor_in_append_mode_receives_the_live_bytes(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"before")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND), "wb") as file:  # as after `>> log`
        write_file(file)
    assert path.read_bytes() == b"beforeheadbody"


class Narrow(io.FileIO):
    """Writes one byte at a time."""

    def write(self, data: Any, /) -> int:
        return super().write(bytes(data[:1]))


def test_partial_writes_are_continued(tmp_path: Path) -> None:
    with Narrow(tmp_path / "a.wav", "w+b") as file:
        write_file(file)
    assert (tmp_path / "a.wav").read_bytes() == b"HEadbody"


def test_pipe_named_by_its_descriptor_receives_the_live_bytes() -> None:
    reading, writing = os.pipe()
    write_file(f"/dev/fd/{writing}")
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        assert file.read() == b"headbody"


def test_callers_file_stays_open(tmp_path: Path) -> None:
    file: BinaryIO
    with (tmp_path / "a.wav").open("w+b") as file:
        write_file(file)
        assert not file.closed
        file.seek(0)
        assert file.read() == b"HEadbody"


def test_callable_receives_the_live_bytes() -> None:
    parts: list[bytes] = []
    write_file(parts.append)
    assert parts == [b"headbo", b"dy"]


def test_result_of_a_callable_is_ignored() -> None:
    file = io.BytesIO()
    sink = open_sink(file.write)
    assert sink.write(b"abc") is None
    assert file.getvalue() == b"abc"


@pytest.mark.parametrize("kind", ["path", "memory", "from its position"])
def test_file_is_written_again_from_its_start(tmp_path: Path, kind: str) -> None:
    before = b"abc" if kind == "from its position" else b""
    memory = io.BytesIO(before)
    memory.seek(len(before))
    sink = open_sink(tmp_path / "a" if kind == "path" else memory)
    assert isinstance(sink, FileSink)
    sink.write(b"a first attempt, which is longer")
    assert sink.restart()
    sink.write(b"headbody")
    sink.finish(b"HE")
    assert ((tmp_path / "a").read_bytes() if kind == "path" else memory.getvalue()) == before + b"HEadbody"


def test_file_with_bytes_that_follow_or_that_cannot_seek_goes_on_where_it_is() -> None:
    longer, pipe = io.BytesIO(bytes(100)), Pipe()
    for file in (longer, pipe):
        sink = open_sink(file)
        assert isinstance(sink, FileSink)
        sink.write(b"head")
        assert not sink.restart()
        sink.write(b"body")
    assert (longer.getvalue()[:10], len(longer.getvalue())) == (b"headbody\0\0", 100)
    assert pipe.getvalue() == b"headbody"
