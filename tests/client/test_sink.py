import io
import os
import stat
from pathlib import Path
from typing import BinaryIO

import pytest
from audiowriter_client.sink import Destination, open_sink


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
def test_path_appears_whole(tmp_path: Path, kind: type) -> None:
    path = tmp_path / "a.wav"
    sink = open_sink(kind(path))
    sink.write(b"headbody")
    assert not path.exists()
    sink.finish(b"HE")
    assert path.read_bytes() == b"HEadbody"
    assert names(tmp_path) == ["a.wav"]


def test_discarded_path_leaves_nothing(tmp_path: Path) -> None:
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


def test_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    write_file(tmp_path / "a.wav")
    (tmp_path / "b").touch()
    assert (tmp_path / "a.wav").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.touch(0o600)
    write_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.touch()
    link.symlink_to(target)
    write_file(link)
    assert link.is_symlink()
    assert target.read_bytes() == b"HEadbody"


def test_device_is_not_replaced() -> None:
    write_file(os.devnull)
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.parametrize("path", ["missing/a.wav", "."])
def test_path_that_cannot_be_written_is_refused_at_once(tmp_path: Path, path: str) -> None:
    with pytest.raises(OSError, match=r"No such file|Is a directory"):
        open_sink(tmp_path / path)


def test_header_goes_to_where_the_file_started() -> None:
    file = io.BytesIO(b"before")
    file.seek(0, io.SEEK_END)
    write_file(file)
    assert file.getvalue() == b"beforeHEadbody"
    assert file.tell() == len(b"beforeHEadbody")


def test_file_that_cannot_seek_gets_the_live_bytes() -> None:
    file = Pipe()
    write_file(file)
    assert file.getvalue() == b"headbody"


def test_file_in_append_mode_gets_the_live_bytes(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"before")
    with path.open("ab") as file:
        write_file(file)
    assert path.read_bytes() == b"beforeheadbody"


def test_callers_file_stays_open(tmp_path: Path) -> None:
    file: BinaryIO
    with (tmp_path / "a.wav").open("w+b") as file:
        write_file(file)
        assert not file.closed
        file.seek(0)
        assert file.read() == b"HEadbody"


def test_callable_gets_the_live_bytes() -> None:
    parts: list[bytes] = []
    write_file(parts.append)
    assert parts == [b"headbo", b"dy"]
