"""WAV: chunks, sizes, RF64, tags. Read with struct, libsndfile and FFmpeg."""

from io import BytesIO
from struct import unpack_from
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from audiowriter_core import InvalidArgument
from audiowriter_core.audio.sample_types import SAMPLE_TYPES
from audiowriter_core.muxers import riff as wav
from mutagen.wave import WAVE
from support.decode import by_ffmpeg, by_libsndfile
from support.encode import config, encode, resolve, speechlike


def chunks(data: bytes) -> dict[bytes, bytes]:
    """Return the body of each chunk by ID; if its size is unknown, data extends to the end of the file."""
    found, at = {}, 12
    while at + 8 <= len(data):
        name, size = unpack_from("<4sI", data, at)
        found[name] = data[at + 8 :][:size]
        at += 8 + size + size % 2
    return found


def header(frames: int | None, bits: int = 16, channels: int = 1) -> bytes:
    return wav.header(format_tag=wav.PCM, bits=bits, sample_rate=24000, channels=channels, frames=frames)


def test_live_header_has_no_sizes() -> None:
    live = encode(config("wav"), b"\1\0\2\0").live
    assert unpack_from("<4sI4s", live) == (b"RIFF", 0xFFFFFFFF, b"WAVE")
    assert live[-8:-4] == b"\xff\xff\xff\xff"


def test_finished_header_has_the_sizes() -> None:
    file = encode(config("wav"), b"\1\0\2\0").file
    assert unpack_from("<4sI4s", file) == (b"RIFF", len(file) - 8, b"WAVE")
    assert chunks(file)[b"data"] == b"\1\0\2\0"


def test_an_odd_data_chunk_has_a_pad_byte_that_its_size_excludes() -> None:
    encoded = encode(config("wav", sample_format="U8"), b"\x80\x81\x82")
    assert len(encoded.finished.trailer) == 1
    assert chunks(encoded.file)[b"data"] == b"\x80\x81\x82"
    assert len(encoded.file) % 2 == 0


@pytest.mark.parametrize(("name", "silence"), [("wav", b"\x80"), ("wav-mulaw", b"\xff"), ("wav-alaw", b"\xd5")])
def test_the_pad_byte_is_silence_in_a_live_player(name: str, silence: bytes) -> None:
    """Without the finished header a player can't distinguish the pad byte from a sample."""
    encoded = encode(config(name, out_sample_format="U8" if name == "wav" else "S16LE"), bytes(2 * 101))
    assert encoded.finished.trailer == silence
    heard = by_ffmpeg(encoded.live)
    assert len(heard) == 102
    assert (heard == heard[0]).all()


def test_the_pad_byte_of_a_sample_of_several_bytes_is_zero() -> None:
    """RIFF MCI, section 2; no player decodes it as a sample."""
    assert encode(config("wav", sample_format="S24LE"), bytes(3)).finished.trailer == b"\0"


@pytest.mark.parametrize(
    ("sample_format", "channels", "tag"),
    [
        ("S16LE", 1, wav.PCM),
        ("S16LE", 2, wav.PCM),
        ("U8", 1, wav.PCM),
        ("S16LE", 3, wav.EXTENSIBLE),
        ("S24LE", 1, wav.EXTENSIBLE),
        ("S32LE", 2, wav.EXTENSIBLE),
        ("F32LE", 2, wav.IEEE_FLOAT),
        ("F64LE", 1, wav.IEEE_FLOAT),
        ("F32LE", 6, wav.EXTENSIBLE),
    ],
)
def test_extensible_is_used_where_the_standard_requires_it(sample_format: str, channels: int, tag: int) -> None:
    found = chunks(encode(config("wav", channels=channels, sample_format=sample_format), b"").file)
    assert unpack_from("<H", found[b"fmt "])[0] == tag
    assert (b"fact" in found) == sample_format.startswith("F")


@pytest.mark.parametrize("channels", range(1, 9))
@pytest.mark.parametrize("sample_format", ["S16LE", "S24LE", "S32LE", "F32LE", "F64LE", "U8"])
def test_other_readers_return_the_input(sample_format: str, channels: int) -> None:
    rng = np.random.default_rng(1)
    raw = {"S16LE": "<i2", "S32LE": "<i4", "F32LE": "<f4", "F64LE": "<f8", "U8": "u1"}
    if sample_format == "S24LE":
        whole = rng.integers(-(2**23), 2**23, (100, channels))
        pcm = (whole << 8).astype("<i4").view("u1").reshape(-1, 4)[:, 1:].tobytes()
        expected = whole / 2**23
    elif sample_format.startswith("F"):
        values = rng.uniform(-1.5, 1.5, (100, channels)).astype(raw[sample_format])
        pcm, expected = values.tobytes(), values.astype(float)
    else:
        limits = np.iinfo(raw[sample_format])
        values = rng.integers(limits.min, limits.max, (100, channels), raw[sample_format], endpoint=True)
        pcm = values.tobytes()
        expected = (values.astype(float) - (128 if sample_format == "U8" else 0)) / 2.0 ** (limits.bits - 1)
    file = encode(config("wav", channels=channels, sample_format=sample_format), pcm).file
    np.testing.assert_array_equal(by_libsndfile(file), expected)
    assert by_ffmpeg(file).shape == (100, channels)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("sample_format", "tag"), [("U8", 1), ("S16LE", 1), ("S24LE", 1), ("S32LE", 1), ("F32LE", 3), ("F64LE", 3)]
)
def test_a_minimal_header_has_44_bytes_and_the_same_samples(sample_format: str, tag: int, channels: int) -> None:
    width = SAMPLE_TYPES[sample_format.lower()].width
    pcm = np.random.default_rng(1).integers(0, 63, 101 * width * channels, np.uint8).tobytes()
    wanted = config("wav", channels=channels, sample_format=sample_format)
    full, minimal = encode(wanted, pcm), encode(wanted | {"wav_header": "minimal"}, pcm)
    assert (full.started.output.wav_header, minimal.started.output.wav_header) == ("full", "minimal")
    assert unpack_from("<4sI4s4sIH", minimal.file) == (b"RIFF", len(minimal.file) - 8, b"WAVE", b"fmt ", 16, tag)
    data_bytes = len(minimal.file) - 44 - len(minimal.finished.trailer)
    assert unpack_from("<4sI", minimal.file, 36) == (b"data", data_bytes)
    assert minimal.live[44:] == minimal.file[44:] == full.file[-len(minimal.file) + 44 :]
    assert unpack_from("<I", minimal.live, 40) == (0xFFFFFFFF,)
    np.testing.assert_array_equal(by_libsndfile(minimal.file), by_libsndfile(full.file))
    np.testing.assert_array_equal(by_ffmpeg(minimal.file), by_ffmpeg(full.file))
    assert len(by_ffmpeg(minimal.live)) >= len(by_ffmpeg(full.file))


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("wav", {"channels": 3}, "do not name the channels of more than two"),
        ("wav", {"tags": {"title": "x"}}, "no room for tags"),
        ("wav-mulaw", {}, "takes full"),
        ("mp3", {}, "mp3 has no WAV header"),
    ],
)
def test_a_minimal_header_is_refused_for_what_it_cannot_hold(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words) as caught:
        resolve(config(name, wav_header="minimal", **options))
    assert [violation.field for violation in caught.value.violations] == ["wav_header"]


def test_an_unknown_wav_header_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="wav_header=tiny: takes full, minimal"):
        resolve(config("wav", wav_header="tiny"))


@pytest.mark.parametrize("over", [-1, 0])
def test_the_sizes_of_a_minimal_header_stay_unknown_from_4_gib_on(over: int) -> None:
    data_bytes = 0xFFFFFFFF - 36 + over
    data_bytes -= data_bytes % 2
    header = wav.minimal_header(wav.PCM, 8, 24_000, 1, data_bytes)
    assert unpack_from("<I", header, 40) == (data_bytes,)
    header = wav.minimal_header(wav.PCM, 8, 24_000, 1, data_bytes + 1)
    assert (unpack_from("<I", header, 4), unpack_from("<I", header, 40)) == ((0xFFFFFFFF,), (0xFFFFFFFF,))


def test_beyond_4_gib_the_reserved_chunk_becomes_ds64() -> None:
    frames = 3 * 2**31
    big = header(frames)
    assert len(big) == len(header(None)) == len(header(1))
    assert unpack_from("<4sI4s", big) == (b"RF64", 0xFFFFFFFF, b"WAVE")
    riff_size, data_size, samples, table = unpack_from("<QQQI", chunks(big)[b"ds64"])
    assert (riff_size, data_size, samples, table) == (len(big) + 2 * frames - 8, 2 * frames, frames, 0)
    assert big[-4:] == b"\xff\xff\xff\xff"


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_rf64_starts_where_32_bits_end(over: int) -> None:
    whole = 0xFFFFFFFF - 1 + over  # what the RIFF size would be; odd data is padded
    data_bytes = whole - (len(header(0, bits=8)) - 8)
    magic, riff_size = unpack_from("<4sI", header(data_bytes, bits=8))
    fits = data_bytes + data_bytes % 2 + len(header(0, bits=8)) - 8 < 0xFFFFFFFF
    assert magic == (b"RIFF" if fits else b"RF64")
    assert riff_size == 0xFFFFFFFF or fits


def test_tags_are_read_by_libsndfile() -> None:
    tags = {
        "title": "Tïtle",
        "artist": "A",
        "album": "B",
        "date": "2026",
        "genre": "Speech",
        "comment": "odd",
        "track": "3",
    }
    file = encode(config("wav", tags=tags), speechlike(100).tobytes()).file
    with soundfile.SoundFile(BytesIO(file)) as read:
        found = read.copy_metadata()
        assert len(read) == 100
    assert {**tags, "tracknumber": "3"}.items() >= found.items()
    assert found["title"] == "Tïtle"


TAGS = {
    "title": "Grüße, 世界",
    "artist": "Ærøskøbing Quartet",
    "album": "Second Album",
    "date": "2024-05-06",
    "genre": "Speech",
    "comment": "a = b; c",
    "track": "7",
}


def test_tags_are_in_an_id3_chunk_as_well() -> None:
    """INFO specifies no character set, and many readers decode it as Latin-1."""
    tags: Any = WAVE(BytesIO(encode(config("wav", tags=TAGS), bytes(200)).file)).tags
    assert tags.version == (2, 4, 0)
    assert {frame: [str(value) for value in tags.getall(frame)] for frame in tags} == {
        "TIT2": [TAGS["title"]],
        "TPE1": [TAGS["artist"]],
        "TALB": [TAGS["album"]],
        "TDRC": [TAGS["date"]],
        "TCON": [TAGS["genre"]],
        "COMM::XXX": [TAGS["comment"]],
        "TRCK": [TAGS["track"]],
    }


def test_the_track_number_is_in_iprt_and_itrk() -> None:
    """TagLib reads one, libsndfile the other; FFmpeg, which reads both, reports it once."""
    file = encode(config("wav", tags={"track": "7"}), bytes(200)).file
    info = chunks(file)[b"LIST"]
    assert info == b"INFO" + b"IPRT" + b"\2\0\0\0" + b"7\0" + b"ITRK" + b"\2\0\0\0" + b"7\0"
    with av.open(BytesIO(file)) as container:
        assert container.metadata == {"track": "7"}


@pytest.mark.parametrize("name", ["wav", "wav-mulaw", "wav-alaw"])
@pytest.mark.parametrize("title", ["odd", "even"])
def test_tags_are_in_the_header_before_the_samples(name: str, title: str) -> None:
    """So live players do not play them as audio, and the final header has the same length as the live one."""
    encoded = encode(config(name, tags={**TAGS, "title": title}), bytes(200))
    found = chunks(encoded.file)
    assert list(found)[-3:] == [b"LIST", b"id3 ", b"data"]
    assert all(len(body) % 2 == 0 for body in found.values()), "mkvmerge treats a pad byte as the start of a chunk"
    assert encoded.chunks[0].data[-8:] == b"data" + b"\xff" * 4
    assert len(encoded.chunks[0].data) == len(encoded.finished.header)
    assert len(encoded.finished.header) % 2 == 0
