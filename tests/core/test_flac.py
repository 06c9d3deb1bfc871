"""FLAC: STREAMINFO, 16 and 24 bits, tags. Read with struct, dr_flac, FFmpeg and mutagen."""

import hashlib
from io import BytesIO

import numpy as np
import pytest
import soundfile
from audiowriter_core import AudioEncoder, Chunk
from mutagen.flac import FLAC
from support.decode import by_ffmpeg, by_miniaudio
from support.encode import config, encode, speechlike


def streaminfo(file: bytes) -> dict[str, int | bytes]:
    """RFC 9639, section 8.2."""
    assert file[:4] == b"fLaC"
    assert file[4] & 0x7F == 0
    body = file[8:42]
    packed = int.from_bytes(body[10:18], "big")
    return {
        "min_block": int.from_bytes(body[0:2], "big"),
        "max_block": int.from_bytes(body[2:4], "big"),
        "min_frame": int.from_bytes(body[4:7], "big"),
        "max_frame": int.from_bytes(body[7:10], "big"),
        "rate": packed >> 44,
        "channels": (packed >> 41 & 7) + 1,
        "bits": (packed >> 36 & 31) + 1,
        "samples": packed & (1 << 36) - 1,
        "md5": body[18:34],
    }


def test_live_streaminfo_has_no_totals() -> None:
    info = streaminfo(encode(config("flac"), speechlike(9000).tobytes()).live)
    assert (info["samples"], info["md5"], info["min_frame"], info["max_frame"]) == (0, bytes(16), 0, 0)


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_finished_streaminfo_has_totals_and_md5(channels: int) -> None:
    pcm = speechlike(9000, channels=channels).tobytes()
    info = streaminfo(encode(config("flac", channels=channels), pcm).file)
    assert (info["rate"], info["channels"], info["bits"], info["samples"]) == (24000, channels, 16, 9000)
    assert info["md5"] == hashlib.md5(pcm).digest()
    assert 0 < int(info["min_frame"]) <= int(info["max_frame"])


def test_empty_file_has_a_streaminfo_and_the_tags() -> None:
    encoded = encode(config("flac", channels=2, tags={"title": "x"}), b"")
    info = streaminfo(encoded.file)
    assert (info["samples"], info["channels"], info["md5"]) == (0, 2, hashlib.md5(b"").digest())
    assert streaminfo(encoded.live) == info | {"md5": bytes(16)}, "unknown until the stream ends"
    assert FLAC(BytesIO(encoded.file))["title"] == ["x"]
    assert len(by_ffmpeg(encoded.file)) == 0


def test_the_head_is_sent_when_the_stream_starts() -> None:
    with AudioEncoder(format="flac", sample_rate_hz=24_000, tags={"title": "x"}) as encoder:
        _, head = encoder.start()
        assert isinstance(head, Chunk)
        assert head.data[42] == 0x80 | 4, "after STREAMINFO comes the Vorbis comment, the last metadata block"
        assert len(head.data) == 46 + int.from_bytes(head.data[43:46], "big")
        first_frame = encode(config("flac", tags={"title": "x"}), speechlike(5000).tobytes()).live[len(head.data) :]
    assert first_frame[:2] in (b"\xff\xf8", b"\xff\xf9"), "RFC 9639, section 9.1"


@pytest.mark.parametrize("effort", [0, 3, 4, 10])
@pytest.mark.parametrize("sample_format", ["S16LE", "S24LE"])
def test_the_first_streaminfo_is_that_of_libflac(effort: int, sample_format: str) -> None:
    file = BytesIO()
    with soundfile.SoundFile(
        file, "w", 24_000, 2, f"PCM_{sample_format[1:3]}", format="FLAC", compression_level=effort / 10
    ) as flac:
        flac.write(np.zeros((1, 2), np.int16))
        written = file.getvalue()
    live = encode(config("flac", channels=2, sample_format=sample_format, effort=effort), bytes(600)).live
    assert live[:42] == written[:42]


@pytest.mark.parametrize("effort", range(11))
def test_every_effort_is_bit_exact_and_contains_its_block_size(effort: int) -> None:
    speech = speechlike(20000)
    encoded = encode(config("flac", effort=effort), speech.tobytes())
    np.testing.assert_array_equal(by_miniaudio(encoded.file), speech)
    assert streaminfo(encoded.file)["max_block"] == (1152 if effort < 4 else 4096)


@pytest.mark.parametrize("sample_format", ["S24LE", "S32LE", "F32LE", "F64LE"])
def test_24_bits_are_kept(sample_format: str) -> None:
    whole = np.random.default_rng(2).integers(-(2**23), 2**23, (5000, 1))
    pcm = {
        "S24LE": (whole << 8).astype("<i4").view("u1").reshape(-1, 4)[:, 1:],
        "S32LE": (whole << 8).astype("<i4"),
        "F32LE": (whole / 2**23).astype("<f4"),
        "F64LE": (whole / 2**23).astype("<f8"),
    }[sample_format].tobytes()
    encoded = encode(config("flac", sample_format=sample_format), pcm)
    assert streaminfo(encoded.file)["bits"] == 24
    np.testing.assert_array_equal(by_ffmpeg(encoded.file) >> 8, whole)


def test_tags_are_vorbis_comments() -> None:
    tags = {"title": "Tïtle ☃", "artist": "A", "track": "3", "date": "2026-11-22"}
    found = FLAC(BytesIO(encode(config("flac", tags=tags), speechlike(5000).tobytes()).file))
    assert (found["title"], found["artist"], found["tracknumber"], found["date"]) == (
        ["Tïtle ☃"], ["A"], ["3"], ["2026-11-22"],
    )  # fmt: skip
    assert found.info.length == pytest.approx(5000 / 24000)
