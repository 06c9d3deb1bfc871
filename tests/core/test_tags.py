"""Tags of any shape: each is stored as it is, or refused by name. Read with mutagen."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import mutagen
import numpy as np
import pytest
from audiowriter_core import FORMATS, AudioEncoder, InvalidArgument, open_audio
from mutagen.flac import FLAC
from numpy.typing import NDArray
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
    assert encode(config(name, tags={"title": "", "album": ""}), PCM).started.output.tags == ()
    assert encode(config(name, tags={"title": "", "album": "a"}), PCM).started.output.tags == (("album", "a"),)


def test_an_empty_tag_must_have_a_known_name() -> None:
    with pytest.raises(InvalidArgument, match="flac supports title"):
        resolve(config("flac", tags={"mood": ""}))


@pytest.mark.parametrize(
    "gain", ["1_0", "\n5", "5\n", " 5", "5 ", "١٢", "²", "+", "-", "32768", "-32769", "0000005", "-000005"]
)
def test_a_gain_is_an_ascii_integer_of_16_bits(gain: str) -> None:
    with pytest.raises(InvalidArgument, match="takes an integer, -32768 to 32767"):
        resolve(config("opus", tags={"r128_track_gain": gain}))


@pytest.mark.parametrize("gain", ["0", "+5", "-5", "007", "000005", "-00005", "32767", "-32768"])
def test_a_gain_may_have_a_sign_and_leading_zeros(gain: str) -> None:
    assert resolve(config("opus", tags={"r128_track_gain": gain})).output.tags == (("r128_track_gain", gain),)


LONG = "é" * 10_000


@pytest.mark.parametrize(
    "options",
    [
        {"format": LONG},
        {"sample_rate_hz": 10**5000},
        {"sample_format": LONG},
        {"output_sample_format": LONG},
        {"effort": 10**200},
        {"vbr_quality": 1e308},
        {"tags": {LONG: "a"}},
        {"tags": {"mood": LONG}},
        {"tags": {"title": f"\0{LONG}"}},
        {"tags": {"title": {LONG: 1}}},
        {"tags": {"r128_track_gain": LONG}},
        {"tags": {f"{number}{LONG}": LONG for number in range(10_000)}},
    ],
    ids=lambda options: next(iter(options)),
)
def test_an_error_quotes_at_most_64_characters(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        AudioEncoder(**{"format": "opus", "sample_rate_hz": 24_000, **options})
    (violation,) = caught.value.violations
    assert len(violation.value) <= 64
    assert len(violation.field) <= 64 + len('tags[""]')
    assert len(str(caught.value)) < 500


def test_an_error_quotes_a_short_value_whole() -> None:
    with pytest.raises(InvalidArgument) as caught:
        AudioEncoder(format="x" * 64, sample_rate_hz=24_000)
    assert str(caught.value).startswith(f"format={'x' * 64}: audiowriter writes wav")


@pytest.mark.parametrize("pcm", [np.zeros(1, [(LONG, "i2")]), np.zeros((1,) * 32, "i2")], ids=["dtype", "shape"])
def test_an_error_quotes_at_most_64_characters_of_an_array(pcm: NDArray[Any]) -> None:
    with pytest.raises(InvalidArgument) as caught, AudioEncoder(format="wav", sample_rate_hz=24_000) as encoder:
        encoder.write(pcm)
    assert len(str(caught.value)) < 200


def test_an_error_quotes_at_most_64_characters_of_an_extension(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument) as caught:
        open_audio(tmp_path / f"a.{'x' * 200}", sample_rate_hz=24_000)
    assert len(str(caught.value)) < 300


ID3 = ["mp3", "wav", "wav-mulaw", "wav-alaw"]


def id3_frames(name: str, tags: dict[str, str]) -> dict[str, bytes]:
    """The text frames of a file's ID3v2 tag. Read without mutagen, which interprets dates and genres."""
    file = encode(config(name, tags=tags), PCM).file
    start = file.index(b"ID3\4") + 10
    frames = {}
    while file[start : start + 4].isalnum():
        size = int.from_bytes(file[start + 4 : start + 8], "big")  # of less than 128 bytes
        frames[file[start : start + 4].decode()] = file[start + 11 : start + 10 + size].rstrip(b"\0")
        start += 10 + size
    return frames


@pytest.mark.parametrize("name", ID3)
@pytest.mark.parametrize("genre", ["1" * 5000, "(" + "1" * 5000 + ")", "٣" * 5000, "(1)" * 5000])
def test_a_genre_may_have_any_number_of_digits(name: str, genre: str) -> None:
    assert encode(config(name, tags={"genre": genre}), PCM).started.output.tags == (("genre", genre),)


@pytest.mark.parametrize("name", ID3)
@pytest.mark.parametrize("genre", ["1" * 5000, "(" + "1" * 5000 + ")"])
def test_a_second_genre_may_have_any_number_of_digits(name: str, genre: str) -> None:
    tags = (("genre", "12"), ("genre", genre))
    encoded = encode(config(name, tags=tags), PCM)
    assert encoded.started.output.tags == tags
    assert name != "mp3" or encoded.file[-1] == 12


@pytest.mark.parametrize(
    ("genre", "number"), [("12", 12), ("Blues", 0), ("(17)Rock", 17), ("x" * 100, 255), ("²", 255)]
)
def test_id3v1_has_the_number_of_a_known_genre(genre: str, number: int) -> None:
    assert encode(config("mp3", tags={"genre": genre}), PCM).file[-1] == number


@pytest.mark.parametrize("name", ID3)
@pytest.mark.parametrize(
    "date", ["2024", "2024-11-22", "2024-11-22T10:00", "spring 2024", "c. 1970", "2024/25", "1_0", "٢٠٢٤"]
)
def test_id3_has_the_date_as_it_is(name: str, date: str) -> None:
    assert id3_frames(name, {"date": date})["TDRC"].decode() == date


@pytest.mark.parametrize(("date", "year"), [("2024-11-22", b"2024"), ("1_0", b"1_0\0"), ("٢٠٢٤", b"????")])
def test_id3v1_has_the_first_characters_of_the_date(date: str, year: bytes) -> None:
    assert encode(config("mp3", tags={"date": date}), PCM).file[-35:-31] == year


def characters() -> Iterator[str]:
    """All characters that a tag may hold, in pieces of less than 64 KiB."""
    for start in range(0, 0x110000, 0x2000):
        codes = range(max(1, start), start + 0x2000)
        yield "".join(chr(code) for code in codes if not 0xD800 <= code <= 0xDFFF and code not in (0xFFFE, 0xFFFF))


def test_flac_holds_all_other_characters() -> None:
    for text in filter(None, characters()):
        found = FLAC(BytesIO(encode(config("flac", tags={"title": text}), PCM).file))
        assert found["title"] == [text]


SEVERAL = [("artist", "First"), ("title", "x"), ("artist", "Second")]


@pytest.mark.parametrize("name", TAGGED)
def test_a_file_has_all_artists_in_order(name: str, tmp_path: Path) -> None:
    encoded = encode(config(name, tags=SEVERAL), PCM)
    assert list(encoded.started.output.tags) == SEVERAL
    path = tmp_path / f"a{FORMATS[name].file_extension}"
    path.write_bytes(encoded.file)
    if name == "webm":  # mutagen does not read it
        assert encoded.file.index(b"First") < encoded.file.index(b"Second")
        return
    tags: Any = mutagen.File(path).tags
    keys = dict.fromkeys(["m4a", "fmp4"], "\xa9ART") | dict.fromkeys(["opus", "vorbis", "flac", "ogg-flac"], "artist")
    key = keys.get(name, "TPE1")
    assert list(tags[key]) == ["First", "Second"]


@pytest.mark.parametrize("name", TAGGED)
def test_a_second_title_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match=r"occurs 2 times: .* allows this for artist and genre") as caught:
        resolve(config(name, tags=[("title", "a"), ("title", "b")]))
    assert len(caught.value.violations) == 1
