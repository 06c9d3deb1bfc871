"""How the command recognises files by their first bytes."""

from io import FileIO
from pathlib import Path

import pytest
from audiowriter_cli.lookahead import LookAhead
from audiowriter_cli.sniffing import recognise
from support.media import ADTS_FRAME, MP3_FRAME, TS_PACKET


@pytest.mark.parametrize(
    ("file", "name"),
    [
        (MP3_FRAME, "MP3"),
        (ADTS_FRAME, "ADTS"),
        (3 * TS_PACKET, "MPEG-TS"),
        (b"ID3\x04\0\x10\0\0\0\1" + bytes(11) + b"fLaC", "FLAC"),
        (b"ID3\x04\0\0\0\0\0\1" + bytes(100), "MP3"),
        (b"FORM\0\0\0\0AIFC", "AIFF"),
        (b"RIFF\0\0\0\0AVI ", "AVI"),
        (b"\0\0\0\x10ftypM4A \0\0\0\0", "MP4"),
    ],
)
def test_kinds_are_recognised_by_their_first_bytes(tmp_path: Path, file: bytes, name: str) -> None:
    (tmp_path / "in").write_bytes(file)
    with FileIO(tmp_path / "in") as stdin:
        kind = recognise(LookAhead(stdin))
    assert kind is not None
    assert kind.name == name
