"""The front cover: stored as it is in every format with pictures, or refused by name. Read with FFmpeg and mutagen."""

from base64 import b64decode
from io import BytesIO
from typing import Any

import av
import mutagen
import numpy as np
import pytest
from audiowriter_core import FORMATS, AudioEncoder, InvalidArgument, Picture
from mutagen.flac import Picture as FlacPicture
from support.decode import JUDGES
from support.encode import config, encode, resolve, speechlike
from support.pictures import JPEG, png

WITH_PICTURES = [name for name, row in FORMATS.items() if row.container.takes_pictures]
SPEECH = speechlike(24_000)
PNG = png()


def by_ffmpeg(file: bytes) -> list[bytes]:
    """Return the pictures that FFmpeg finds."""
    with av.open(BytesIO(file), "r") as container:
        return [bytes(packet) for packet in container.demux(container.streams.video) if packet.size]


def by_mutagen(name: str, file: bytes) -> tuple[bytes, str, str]:
    """Return the only picture: its data, MIME type and description."""
    found: Any = mutagen.File(BytesIO(file), easy=False)
    if name in ("m4a", "fmp4"):
        (cover,) = found.tags["covr"]
        return bytes(cover), {13: "image/jpeg", 14: "image/png"}[cover.imageformat], ""
    if name == "flac":
        (picture,) = found.pictures
    elif name in ("vorbis", "opus", "ogg-flac"):
        (block,) = found.tags["metadata_block_picture"]
        picture = FlacPicture(b64decode(block))
    else:
        (picture,) = found.tags.getall("APIC")
    assert picture.type == mutagen.id3.PictureType.COVER_FRONT
    return picture.data, picture.mime, picture.desc


def test_every_format_with_tags_has_pictures() -> None:
    assert [name for name, row in FORMATS.items() if row.tags] == WITH_PICTURES


@pytest.mark.parametrize("name", WITH_PICTURES)
@pytest.mark.parametrize("data", [PNG, JPEG], ids=["png", "jpeg"])
@pytest.mark.parametrize("length", [0, 24_000])
def test_other_readers_find_the_picture_and_the_same_samples(name: str, data: bytes, length: int) -> None:
    pcm = SPEECH[:length].tobytes()
    encoded = encode(config(name, pictures=[Picture(data, description="Tïtle ☃")], tags={"title": "x"}), pcm)
    plain = encode(config(name), pcm)
    mime_type = "image/png" if data is PNG else "image/jpeg"
    if name != "webm":
        assert by_mutagen(name, encoded.file) == (data, mime_type, "" if name in ("m4a", "fmp4") else "Tïtle ☃")
    if length:
        assert by_ffmpeg(encoded.file) == by_ffmpeg(encoded.live) == [data]
        np.testing.assert_array_equal(JUDGES[name](encoded.file), JUDGES[name](plain.file))
        np.testing.assert_array_equal(JUDGES[name](encoded.live), JUDGES[name](plain.live))
    assert encoded.finished.output_samples == length


@pytest.mark.parametrize("name", WITH_PICTURES)
def test_the_largest_picture_and_all_tags_fit_into_one_chunk(name: str) -> None:
    data = png(length=256 * 1024)
    encoded = encode(config(name, pictures=[data], tags={"comment": "x" * 65_000}), SPEECH.tobytes())
    assert len(data) == 256 * 1024
    assert len(encoded.finished.header) <= len(encoded.chunks[0].data)
    assert by_ffmpeg(encoded.file) == [data]


def test_dimensions_are_those_of_the_image() -> None:
    for data, size in (
        (png(70_000, 1), (70_000, 1, 24)),
        (JPEG, (8, 6, 8)),
        (JPEG[:40], (0, 0, 0)),
        (PNG[:20], (0, 0, 0)),
    ):
        found: Any = mutagen.File(BytesIO(encode(config("flac", pictures=[data]), b"").file))
        (picture,) = found.pictures
        assert (picture.width, picture.height, picture.depth) == size


@pytest.mark.parametrize(
    ("name", "pictures", "field", "words"),
    [
        ("aac", [PNG], "pictures", "aac has no pictures"),
        ("mp3", [PNG, JPEG], "pictures", "audiowriter takes 1, the front cover"),
        ("mp3", PNG, "pictures", "takes a list of pictures"),
        ("mp3", [b"GIF89a"], "pictures[0]", "6 bytes: takes a JPEG or PNG file"),
        ("mp3", [b""], "pictures[0]", "0 bytes: takes a JPEG or PNG file"),
        ("mp3", ["cover.png"], "pictures[0]", "str: takes bytes"),
        ("mp3", [png(length=256 * 1024 + 1)], "pictures[0]", "262145 bytes: audiowriter takes at most 262144"),
        ("mp3", [Picture(PNG, "image/jpeg")], "pictures[0]", "image/jpeg: the data is image/png"),
        ("mp3", [Picture(PNG, description="a\0")], "pictures[0]", "takes text of at most 1024 bytes"),
        ("mp3", [Picture(PNG, description="é" * 513)], "pictures[0]", "takes text of at most 1024 bytes"),
        ("mp3", [Picture(PNG, description="\ud800")], "pictures[0]", "takes text of at most 1024 bytes"),
    ],
)
def test_a_picture_that_cannot_be_stored_is_refused(name: str, pictures: Any, field: str, words: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        resolve(config(name, pictures=pictures))
    assert [violation.field for violation in caught.value.violations] == [field]
    assert words in str(caught.value)


def test_a_minimal_wav_header_has_no_picture() -> None:
    with pytest.raises(InvalidArgument, match="no room for tags and pictures"):
        resolve(config("wav", wav_header="minimal", pictures=[PNG]))


def test_pictures_count_as_memory() -> None:
    plain = AudioEncoder(**config("mp3")).cost.memory_bytes
    assert AudioEncoder(**config("mp3", pictures=[png(length=100_000)])).cost.memory_bytes > plain + 800_000
