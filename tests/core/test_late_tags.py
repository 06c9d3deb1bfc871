"""Tags that come while the stream runs: they are in the finished file, and the audio stays the same. Read with mutagen."""

from io import BytesIO
from typing import Any

import mutagen
import numpy as np
import pytest
from audiowriter_core import FORMATS, AudioEncoder, InvalidArgument, WrongState
from support.decode import JUDGES, by_ffmpeg
from support.encode import Config, Encoded, collect, config, encode, resolve, speechlike
from support.ogg import pages
from support.pictures import png

TAGGED = [name for name, row in FORMATS.items() if row.tags]
SPEECH = speechlike(24_000)
PCM = SPEECH.tobytes()
KEYS = {
    **dict.fromkeys(["mp3", "wav", "wav-mulaw", "wav-alaw"], ("TIT2", "TPE1", "COMM::XXX")),
    **dict.fromkeys(["m4a", "fmp4"], ("\xa9nam", "\xa9ART", "\xa9cmt")),
    **dict.fromkeys(["flac", "ogg-flac", "opus", "vorbis"], ("title", "artist", "comment")),
}
FIRST = {"title": "before", "artist": ["A", "B"]}
LATER = [("title", "Later ☃"), ("comment", "x" * 1000)]


def describe(wanted: Config, *later: Any, pcm: bytes = PCM) -> Encoded:
    """Encode a stream whose tags come in the middle of the PCM."""
    encoded = Encoded()
    with AudioEncoder(**wanted) as encoder:
        collect(encoder.start(), encoded)
        collect(encoder.write(pcm[:20_001]), encoded)
        for tags in later:
            encoder.describe(tags)
        collect(encoder.write(pcm[20_001:]), encoded)
        collect(encoder.finish(), encoded)
    return encoded


def tags_of(name: str, file: bytes) -> list[list[str]]:
    """Return title, artist and comment."""
    tags: Any = mutagen.File(BytesIO(file)).tags
    found = ({} if tags is None else tags).get
    return [list(map(str, getattr(found(key, []), "text", found(key, [])))) for key in KEYS[name]]


@pytest.mark.parametrize("name", TAGGED)
@pytest.mark.parametrize("first", [FIRST, {}], ids=["tags before", "no tags before"])
@pytest.mark.parametrize("frames", [24_000, 0])
def test_later_tags_replace_those_of_the_same_name(name: str, first: dict[str, Any], frames: int) -> None:
    encoded = describe(config(name, tags=first, metadata_bytes=4096), LATER, pcm=PCM[: 2 * frames])
    before = describe(config(name, tags=first, metadata_bytes=4096), pcm=PCM[: 2 * frames])
    assert len(encoded.finished.header) <= len(encoded.chunks[0].data if encoded.chunks else encoded.finished.trailer)
    if name == "webm":
        assert "Later ☃".encode() in encoded.file and b"x" * 1000 in encoded.file
        assert (b"before" in encoded.file) is False
    else:
        assert tags_of(name, encoded.file) == [["Later ☃"], first.get("artist", []), ["x" * 1000]]
        assert tags_of(name, before.file) == [[first["title"]] if first else [], first.get("artist", []), []]
    if frames:
        np.testing.assert_array_equal(JUDGES[name](encoded.file), JUDGES[name](before.file))
    if name not in ("m4a", "mp3"):  # M4A has its tags at the end, MP3 an ID3v1 tag
        assert len(encoded.file) == len(before.file)
        assert encoded.live == before.live or name in ("opus", "vorbis", "ogg-flac"), "the serial is random there"


@pytest.mark.parametrize("name", TAGGED)
def test_live_bytes_do_not_depend_on_when_tags_come(name: str) -> None:
    wanted = config(name, tags=FIRST, metadata_bytes=4096, serial=7)
    late, early, none = (Encoded() for _ in range(3))
    for encoded, at in ((late, len(PCM)), (early, 0), (none, -1)):
        with AudioEncoder(**wanted) as encoder:
            collect(encoder.start(), encoded)
            for start in range(0, len(PCM) + 1, 480):
                if start == at:
                    encoder.describe(LATER)
                collect(encoder.write(PCM[start : start + 480]), encoded)
            collect(encoder.finish(), encoded)
    assert [chunk.data for chunk in late.chunks] == [chunk.data for chunk in early.chunks]
    assert late.finished == early.finished
    assert [chunk.data for chunk in none.chunks] == [chunk.data for chunk in early.chunks] or name == "m4a"
    assert none.file != early.file == late.file


@pytest.mark.parametrize("name", TAGGED)
def test_room_does_not_change_the_audio(name: str) -> None:
    plain, roomy = encode(config(name, tags=FIRST), PCM), encode(config(name, tags=FIRST, metadata_bytes=4096), PCM)
    assert roomy.started.output.metadata_bytes == 4096
    more = len(roomy.file) - len(plain.file)
    assert 4096 <= more <= 4096 + 300 if name != "m4a" else more == 0
    np.testing.assert_array_equal(JUDGES[name](roomy.file), JUDGES[name](plain.file))
    np.testing.assert_array_equal(JUDGES[name](roomy.live), JUDGES[name](plain.live))
    assert len(by_ffmpeg(roomy.file)) == len(by_ffmpeg(plain.file))


@pytest.mark.parametrize("name", TAGGED)
@pytest.mark.parametrize("spare", [1, 2, 3, 8, 300])
def test_tags_of_any_length_fill_the_room(name: str, spare: int) -> None:
    decoded = len(JUDGES[name](encode(config(name), PCM).file))
    for left in range(0, spare + 1, 1 + spare // 20):
        encoded = describe(config(name, tags={"title": "abc"}, metadata_bytes=spare), {"title": "x" * (3 + left // 2)})
        assert len(encoded.finished.header) <= len(encoded.chunks[0].data)
        if left in (0, 1, spare - spare % (1 + spare // 20)):
            assert len(JUDGES[name](encoded.file)) == decoded
            assert name == "webm" or tags_of(name, encoded.file)[0] == ["x" * (3 + left // 2)]


@pytest.mark.parametrize("name", [name for name in TAGGED if name != "m4a"])
def test_a_tag_that_does_not_fit_is_refused_by_name_and_the_stream_goes_on(name: str) -> None:
    encoded = Encoded()
    with AudioEncoder(**config(name, tags={"title": "abc"}, metadata_bytes=200)) as encoder:
        collect(encoder.start(), encoded)
        with pytest.raises(
            InvalidArgument, match=r'tags\["comment"\].* bytes in the head of the file, and \d+ are left'
        ) as caught:
            encoder.describe([("artist", "fits"), ("comment", "x" * 300), ("album", "y" * 300)])
        assert len(caught.value.violations) == 1
        encoder.describe({"artist": "Z"})
        collect(encoder.write(PCM), encoded)
        collect(encoder.finish(), encoded)
    assert len(JUDGES[name](encoded.file)) == len(JUDGES[name](encode(config(name), PCM).file))
    if name != "webm":
        assert tags_of(name, encoded.file) == [["abc"], ["Z"], []]


@pytest.mark.parametrize("name", [name for name in TAGGED if name != "m4a"])
def test_without_room_later_tags_are_refused(name: str) -> None:
    with AudioEncoder(**config(name, tags={"title": "abc"})) as encoder:
        encoder.start()
        with pytest.raises(InvalidArgument, match="tags: the head of the file has no room for what comes later"):
            encoder.describe({"title": "a"})


def test_m4a_needs_no_room() -> None:
    assert tags_of("m4a", describe(config("m4a"), LATER).file) == [["Later ☃"], [], ["x" * 1000]]


@pytest.mark.parametrize("name", TAGGED)
def test_an_empty_value_removes_a_tag(name: str) -> None:
    encoded = describe(config(name, tags=FIRST, metadata_bytes=64), {"title": "", "artist": ""})
    if name == "webm":
        assert b"before" not in encoded.file
    else:
        assert tags_of(name, encoded.file) == [[], [], []]
    assert len(JUDGES[name](encoded.file)) == len(JUDGES[name](encode(config(name), PCM).file))


def test_id3v1_has_the_later_tags() -> None:
    assert describe(config("mp3", metadata_bytes=64), {"title": "Later"}).file[-128:-92] == b"TAGLater".ljust(36, b"\0")


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"mood": "x"}, "mp3 supports title"),
        ({"title": "a\0"}, "U\\+0000"),
        ({"title": 1}, "takes a string"),
        ([("title", "a"), ("title", "b")], "occurs 2 times"),
        ({"comment": "x" * 70_000}, "audiowriter takes at most 65536"),
        ("title", "takes pairs of name and value"),
    ],
)
def test_a_bad_tag_is_refused_and_the_stream_goes_on(tags: Any, words: str) -> None:
    with AudioEncoder(**config("mp3", metadata_bytes=4096)) as encoder:
        encoder.start()
        with pytest.raises(InvalidArgument, match=words):
            encoder.describe(tags)
        encoder.write(PCM)
        encoder.finish()


def test_tags_come_after_the_start_and_before_the_end() -> None:
    encoder = AudioEncoder(**config("mp3", metadata_bytes=4096))
    with pytest.raises(WrongState, match="describe\\(\\) is not allowed on a stream that is new"):
        encoder.describe({"title": "x"})
    encoder.start()
    encoder.finish()
    with pytest.raises(WrongState, match="finished"):
        encoder.describe({"title": "x"})
    encoder.close()


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("aac", {"metadata_bytes": 1}, "metadata_bytes=1: aac has no tags"),
        ("mp3", {"metadata_bytes": 65_537}, "metadata_bytes=65537: audiowriter takes 0 to 65536"),
        ("mp3", {"metadata_bytes": "4k"}, "metadata_bytes=4k: audiowriter takes 0 to 65536"),
        ("wav", {"metadata_bytes": 1, "wav_header": "minimal"}, "44 bytes have no room for tags"),
    ],
)
def test_room_that_a_format_does_not_have_is_refused(name: str, options: Config, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        resolve(config(name, **options))


@pytest.mark.parametrize("name", ["opus", "vorbis", "ogg-flac"])
def test_ogg_headers_stay_complete_pages(name: str) -> None:
    for size in range(0, 600, 7):
        encoded = describe(config(name, metadata_bytes=600, serial=7), {"comment": "x" * max(1, size - 60)})
        found, live = pages(encoded.file), pages(encoded.live)
        assert [page.sequence for page in found] == list(range(len(found)))
        assert [len(page.body) for page in found] == [len(page.body) for page in live]


@pytest.mark.parametrize("name", TAGGED)
def test_the_largest_head_fits_into_one_chunk(name: str) -> None:
    wanted = config(name, pictures=[png(length=256 * 1024)], tags={"comment": "x" * 32_000}, metadata_bytes=65_536)
    encoded = describe(wanted, {"comment": "y" * 60_000})
    assert len(encoded.finished.header) <= len(encoded.chunks[0].data)
    assert len(JUDGES[name](encoded.file)) == len(JUDGES[name](encode(config(name), PCM).file))
