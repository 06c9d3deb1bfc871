"""CRC-32C of files whose header is replaced, compared with another library."""

from types import ModuleType

import google_crc32c
import pytest
from audiowriter_client import crc32c as client
from audiowriter_core import FORMATS
from audiowriter_core import crc32c as core
from hypothesis import given
from hypothesis import strategies as st
from support.encode import config, encode, speechlike


@pytest.mark.parametrize("module", [core, client], ids=["core", "client"])
@given(pieces=st.lists(st.binary(max_size=300), max_size=5), header=st.binary(max_size=300))
def test_the_crc_is_that_of_the_file_with_its_header_in_place(
    module: ModuleType, pieces: list[bytes], header: bytes
) -> None:
    live = b"".join(pieces) + bytes(len(header))
    crc = 0
    for piece in (*pieces, bytes(len(header))):
        crc = module.crc32c(piece, crc)
    assert crc == google_crc32c.value(live)
    file = header + live[len(header) :]
    assert module.with_header(crc, len(live), live, header) == google_crc32c.value(file)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("frames", [0, 1, 50_000])
def test_the_crc_of_a_file_of_any_length_is_right(name: str, frames: int) -> None:
    encoded = encode(config(name), speechlike(frames).tobytes(), [480])
    assert encoded.finished.file_crc32c == google_crc32c.value(encoded.file)


@pytest.mark.parametrize("name", [name for name, kind in FORMATS.items() if kind.tags])
def test_the_crc_of_a_file_with_a_long_header_is_right(name: str) -> None:
    encoded = encode(config(name, tags={"title": "x" * 50_000}), speechlike(24_000).tobytes())
    assert encoded.finished.file_crc32c == google_crc32c.value(encoded.file)
