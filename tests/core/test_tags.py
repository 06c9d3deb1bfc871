"""Tags of any shape: each is stored as it is, or refused by name. Read with mutagen."""

from collections.abc import Iterator
from io import BytesIO

import pytest
from audiowriter_core import FORMATS, InvalidArgument
from mutagen.flac import FLAC
from support.encode import config, encode, resolve

TAGGED = [name for name, kind in FORMATS.items() if kind.tags]
PCM = bytes(2000)


@pytest.mark.parametrize("name", TAGGED)
@pytest.mark.parametrize("bad", ["\0", "\ufffe", "\uffff", "\ud800", "\udfff\ud800"])
def test_a_character_that_a_format_cannot_hold_is_refused_in_all(name: str, bad: str) -> None:
    with pytest.raises(InvalidArgument, match="a tag cannot hold the character U\\+") as caught:
        resolve(config(name, tags={"title": f"a{bad}b"}))
    assert [violation.field for violation in caught.value.violations] == ['tags["title"]']
    str(caught.value).encode()


def test_a_name_that_is_no_unicode_text_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="flac supports title") as caught:
        resolve(config("flac", tags={"\ud800": "a"}))
    str(caught.value).encode()


@pytest.mark.parametrize("name", TAGGED)
def test_an_empty_tag_is_omitted(name: str) -> None:
    assert encode(config(name, tags={"title": "", "album": ""}), PCM).started.output.tags == {}
    assert encode(config(name, tags={"title": "", "album": "a"}), PCM).started.output.tags == {"album": "a"}


def test_an_empty_tag_must_have_a_known_name() -> None:
    with pytest.raises(InvalidArgument, match="flac supports title"):
        resolve(config("flac", tags={"mood": ""}))


def characters() -> Iterator[str]:
    """All characters that a tag may hold, in pieces of less than 64 KiB."""
    for start in range(0, 0x110000, 0x2000):
        codes = range(max(1, start), start + 0x2000)
        yield "".join(chr(code) for code in codes if not 0xD800 <= code <= 0xDFFF and code not in (0xFFFE, 0xFFFF))


def test_flac_holds_all_other_characters() -> None:
    for text in filter(None, characters()):
        found = FLAC(BytesIO(encode(config("flac", tags={"title": text}), PCM).file))
        assert found["title"] == [text]
