"""MP3: the Info frame, ID3, every rate. Read with mpg123 (libsndfile), dr_mp3, FFmpeg and mutagen."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from audiowriter_core.muxers import mpeg_audio
from audiowriter_core.muxers.mp3_info import SeekTable
from fastcrc import crc16
from mutagen.id3 import ID3
from mutagen.mp3 import MP3, BitrateMode
from support.decode import by_ffmpeg, by_libsndfile
from support.encode import config, encode, speechlike

RATES = sorted(mpeg_audio.RATES)


def frames(data: bytes) -> list[bytes]:
    """Split a file at the frame headers; no bytes may be left over."""
    found = []
    while data and data[:3] != b"TAG":
        size = mpeg_audio.frame_bytes(data)
        found.append(data[:size])
        data = data[size:]
    return found


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", RATES)
def test_decoders_that_read_the_tag_return_every_sample(rate: int, channels: int) -> None:
    speech = speechlike(rate // 2 + 17, rate, channels)
    encoded = encode(config("mp3", rate, channels), speech.tobytes())
    decoded = by_libsndfile(encoded.file)
    assert decoded.shape == speech.shape
    assert by_ffmpeg(encoded.file).shape == speech.shape
    lag = max(range(-40, 41), key=lambda shift: float(np.sum(np.roll(decoded[:, 0], shift) * speech[:, 0])))
    assert lag == 0, "no delay against the input"


@pytest.mark.parametrize("rate", RATES)
def test_frames_have_the_requested_bitrate_and_rate(rate: int) -> None:
    for bitrate in mpeg_audio.bitrates(rate):
        encoded = encode(config("mp3", rate, bitrate_bps=bitrate), speechlike(rate, rate).tobytes())
        info: Any = MP3(BytesIO(encoded.file)).info
        assert info.sample_rate == rate
        assert info.bitrate_mode == BitrateMode.CBR
        music = frames(encoded.file)[1:]
        assert {frame[:3] for frame in music} == {mpeg_audio.header(rate, bitrate, 1)[:2] + music[0][2:3]} or all(
            frame[2] >> 4 == music[0][2] >> 4 for frame in music
        )
        assert mpeg_audio.header(rate, bitrate, 1)[2] >> 4 == music[0][2] >> 4


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("quality", [0.0, 0.5, 1.0])
def test_vbr_has_its_exact_duration(quality: float, channels: int) -> None:
    speech = speechlike(48000, channels=channels)
    encoded = encode(config("mp3", channels=channels, vbr_quality=quality), speech.tobytes())
    info: Any = MP3(BytesIO(encoded.file)).info
    assert info.bitrate_mode == BitrateMode.VBR
    assert len(by_libsndfile(encoded.file)) == 48000
    assert info.length == pytest.approx(2, abs=0.05)


def test_size_grows_with_the_quality() -> None:
    pcm = speechlike(72000).tobytes()
    sizes = [encode(config("mp3", vbr_quality=q), pcm).finished.file_bytes for q in (0, 0.3, 0.6, 1)]
    assert sizes == sorted(sizes)


def test_live_info_frame_has_no_totals_and_is_silent() -> None:
    encoded = encode(config("mp3"), speechlike(24000).tobytes())
    first = frames(encoded.live)[0]
    assert not any(first[4:])
    assert len(first) == len(encoded.finished.header)
    heard = by_libsndfile(encoded.live)
    assert len(heard) > 24000
    assert not heard[:400].any()


def test_info_frame_has_the_totals_of_the_file() -> None:
    encoded = encode(config("mp3"), speechlike(24000).tobytes())
    info, *music = frames(encoded.file)
    tag = 4 + mpeg_audio.side_info_bytes(24000, 1)
    assert info[tag : tag + 4] == b"Info"
    assert int.from_bytes(info[tag + 8 : tag + 12], "big") == len(music)
    assert int.from_bytes(info[tag + 12 : tag + 16], "big") == len(encoded.file)
    lame = tag + 120
    assert info[lame : lame + 9] == b"LAME3.100"
    delays = int.from_bytes(info[lame + 21 : lame + 24], "big")
    assert (delays >> 12, delays & 0xFFF) == (encoded.finished.delay_samples, encoded.finished.padding_samples)
    assert len(music) * 576 == (delays >> 12) + 24000 + (delays & 0xFFF)
    assert int.from_bytes(info[lame + 32 : lame + 34], "big") == crc16.arc(b"".join(music))
    assert int.from_bytes(info[lame + 34 : lame + 36], "big") == crc16.arc(info[: lame + 34])


def test_tags_are_at_the_start_and_at_the_end() -> None:
    tags = {
        "title": "Tïtle ☃",
        "artist": "A" * 40,
        "album": "B",
        "date": "2026-11-22",
        "genre": "Speech",
        "track": "3/9",
    }
    tags["comment"] = "c" * 50
    encoded = encode(config("mp3", tags=tags), speechlike(24000).tobytes())
    assert encoded.file[:4] == b"ID3\x04"
    found = ID3(BytesIO(encoded.file))
    assert (found["TIT2"].text, found["TALB"].text, str(found["TDRC"])) == (["Tïtle ☃"], ["B"], "2026-11-22")
    v1 = encoded.file[-128:]
    assert v1 == encoded.finished.trailer[-128:]
    assert v1[:3] == b"TAG"
    assert v1[3:9].decode("latin-1") == "Tïtle "
    assert v1[33:63] == b"A" * 30
    assert v1[125:127] == b"\0\3", "ID3v1.1: the track follows a zero byte"
    assert len(by_libsndfile(encoded.file)) == 24000


def test_seek_table_stays_small_and_correct() -> None:
    table = SeekTable()
    for _ in range(100_003):
        table.add(192)
    assert len(table._starts.points) <= SeekTable.MAX_POINTS
    toc = table.toc(192)
    assert list(toc) == sorted(toc)
    assert all(abs(place - 256 * percent / 100) < 3 for percent, place in enumerate(toc))
