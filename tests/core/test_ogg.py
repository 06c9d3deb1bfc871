"""Ogg pages, Opus in Ogg, and libsndfile's Vorbis. Read by the rules of libopusfile, with FFmpeg and mutagen."""

from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from audiowriter_core import FORMATS
from audiowriter_core.codecs.base import Packet
from audiowriter_core.muxers.ogg_page import CONTINUED, FIRST, LAST, OggAudio, OggStream, checksum
from hypothesis import given
from hypothesis import strategies as st
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from support.decode import by_ffmpeg, by_libsndfile, by_miniaudio
from support.encode import Request, config, encode, run, speechlike
from support.ogg import pages


def slow_checksum(page: bytes) -> int:
    """Compute the checksum bit by bit. RFC 3533, section 6, field 7."""
    register = 0
    for byte in page:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1 ^ (0x04C11DB7 if register & 0x80000000 else 0)) & 0xFFFFFFFF
    return register


@given(st.binary(max_size=300))
def test_checksum_is_that_of_the_rfc(data: bytes) -> None:
    assert checksum(data) == slow_checksum(data)


@given(st.lists(st.binary(max_size=600), min_size=1, max_size=20))
def test_packets_are_read_back_from_pages(packets: list[bytes]) -> None:
    stream = OggStream(7)
    data = b""
    for packet in packets:
        if not stream.fits(packet):
            data += stream.page(0)
        stream.add(packet)
    data += stream.page(0, LAST)
    found, packet = [], b""
    for page in pages(data):
        at = 0
        for size in page.segments:
            packet += page.body[at : at + size]
            at += size
            if size < 255:
                found.append(packet)
                packet = b""
    assert found == packets


def test_a_long_packet_continues_on_the_next_page() -> None:
    stream = OggStream(1)
    stream.add(b"x" * 200_000)
    first, *_, last = found = pages(stream.page(99, FIRST))
    assert [page.granule_position for page in found] == [-1] * (len(found) - 1) + [99]
    assert (first.flags, last.flags) == (FIRST, CONTINUED)
    assert b"".join(page.body for page in found) == b"x" * 200_000


def test_packets_that_follow_a_long_one_share_its_last_page() -> None:
    stream = OggStream(1)
    stream.add(b"x" * (255 * 254))  # ends with an empty segment, the last one of the first page
    stream.add(b"y" * 1000)
    first, last = pages(stream.page(0))
    assert (len(first.segments), first.granule_position, first.flags) == (255, 0, 0)
    assert (last.body, last.granule_position, last.flags) == (b"y" * 1000, 0, 0)


def test_pages_close_in_time_for_packets_of_any_length() -> None:
    packets = [Packet(bytes([number]) * size, 10) for number, size in enumerate((100, 70_000, 5, 65_025, 3, 4))]
    audio = OggAudio(OggStream(1), page_packets=2)
    written = audio.write(packets[:-1])
    found = pages(written + audio.finish(packets[-1:], 57))
    assert b"".join(page.body for page in found) == b"".join(packet.data for packet in packets)
    # 70,000 and 65,025 bytes need two pages each; each of these packets starts on a new page.
    assert [page.granule_position for page in found] == [10, -1, 20, 30, -1, 40, 57]
    assert [page.flags for page in found] == [0, 0, CONTINUED, 0, 0, CONTINUED, LAST]
    assert audio.samples_out == 60


def test_no_packet_ends_on_an_empty_last_page() -> None:
    (page,) = pages(OggAudio(OggStream(1), page_packets=1).finish([], 0))
    assert (page.flags, page.granule_position, page.segments) == (LAST, -1, b"")


@pytest.mark.parametrize("rate", [8000, 12000, 16000, 24000, 48000])
@pytest.mark.parametrize("frames", [1, 100, 479, 480, 804, 24000])
def test_opus_is_trimmed_to_the_sample_at_48_khz(rate: int, frames: int) -> None:
    encoded = encode(config("opus", rate), speechlike(frames, rate).tobytes())
    found = pages(encoded.file)
    head = found[0].body
    pre_skip = int.from_bytes(head[10:12], "little")
    assert head[:9] == b"OpusHead\x01"
    assert int.from_bytes(head[12:16], "little") == rate
    assert found[-1].granule_position == pre_skip + frames * 48000 // rate
    assert found[0].flags == FIRST
    assert found[-1].flags == LAST
    assert [page.sequence for page in found] == list(range(len(found)))
    assert encoded.finished.delay_samples == pre_skip * rate // 48000
    assert len(by_ffmpeg(encoded.file)) == frames * 48000 // rate


@pytest.mark.parametrize("input_rate", [11025, 22050, 32000, 44100, 96000])
def test_opus_uses_the_next_higher_rate_and_is_exact_within_a_sample(input_rate: int) -> None:
    encoded = encode(config("opus", input_rate), speechlike(input_rate, input_rate).tobytes())
    rate = encoded.started.output.sample_rate_hz
    assert rate == min((r for r in (8000, 12000, 16000, 24000, 48000) if r >= input_rate), default=48000)
    assert abs(encoded.finished.output_samples - rate) <= 1
    assert len(by_ffmpeg(encoded.file)) == encoded.finished.output_samples * 48000 // rate


@pytest.mark.parametrize("page_ms", [20, 60, 100, 1000])
def test_opus_pages_are_page_ms_long(page_ms: int) -> None:
    encoded = encode(config("opus", page_ms=page_ms), speechlike(96000).tobytes())
    granules = [page.granule_position for page in pages(encoded.file)[2:]]
    assert {b - a for a, b in pairwise(granules[:-1])} <= {48 * page_ms}
    assert granules[0] == 48 * page_ms


def test_flush_closes_the_page() -> None:
    pcm = speechlike(24000).tobytes()
    encoded = run(
        [
            Request(config=config("opus", page_ms=1000), pcm=pcm[:24000], flush=True),
            Request(pcm=pcm[24000:]),
        ]
    )
    assert encoded.flushed[0].offset > 1000, "half a second was written, although pages are one second long"
    assert encoded.flushed[0].held_samples <= 156, "libopus' lookahead"
    assert len(by_ffmpeg(encoded.file)) == 48000


@pytest.mark.parametrize("name", [name for name, row in FORMATS.items() if row.mime_type.startswith("audio/ogg")])
def test_serial_numbers_differ(name: str) -> None:
    assert len({pages(encode(config(name), b"\0\0").file)[0].serial for _ in range(4)}) == 4


@pytest.mark.parametrize("name", ["opus", "vorbis"])
@pytest.mark.parametrize("channels", range(1, 9))
def test_channels_keep_their_order(name: str, channels: int) -> None:
    rate = 48000
    t = np.arange(rate)[:, None] / rate
    tones = 400 + 300 * np.arange(channels)
    if channels >= 6:
        tones[3] = 60  # the LFE channel has no higher frequencies
    pcm = (8000 * np.sin(2 * np.pi * tones * t)).astype("<i2")
    file = encode(config(name, rate, channels), pcm.tobytes()).file
    decoded = by_ffmpeg(file)[:rate]
    heard = np.abs(np.fft.rfft(decoded, axis=0)).argmax(axis=0)
    np.testing.assert_allclose(heard, tones, atol=3)


def test_opus_contains_r128_gains() -> None:
    tags = {"r128_track_gain": "-1280", "r128_album_gain": "32767"}
    found = OggOpus(BytesIO(encode(config("opus", tags=tags), speechlike(5000).tobytes()).file))
    assert (found["r128_track_gain"], found["r128_album_gain"]) == (["-1280"], ["32767"])


def test_tags_are_comments() -> None:
    tags = {"title": "Tïtle ☃", "track": "3"}
    pcm = speechlike(5000).tobytes()
    opus = OggOpus(BytesIO(encode(config("opus", tags=tags), pcm).file))
    vorbis = OggVorbis(BytesIO(encode(config("vorbis", tags=tags), pcm).file))
    for found in (opus, vorbis):
        assert (found["title"], found["tracknumber"]) == (["Tïtle ☃"], ["3"])
        info: Any = found.info
        assert info.length == pytest.approx(5000 / 24000, abs=1e-3)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_vorbis_is_trimmed_to_the_sample(rate: int, channels: int) -> None:
    encoded = encode(config("vorbis", rate, channels), speechlike(rate + 123, rate, channels).tobytes())
    assert pages(encoded.file)[-1].granule_position == rate + 123
    assert by_libsndfile(encoded.file).shape == (rate + 123, channels)
    assert by_miniaudio(encoded.file).shape == (rate + 123, channels)


@pytest.mark.parametrize("size", [0, 100, 254, 255, 40_000, 65_000])
def test_vorbis_headers_are_on_pages_of_their_own(size: int) -> None:
    encoded = encode(config("vorbis", tags={"comment": "x" * size}), speechlike(96_000).tobytes())
    found = pages(encoded.file)
    assert [page.sequence for page in found] == list(range(len(found)))
    assert found[0].body[:7] == b"\x01vorbis"
    audio = next(number for number, page in enumerate(found) if page.granule_position > 0)
    headers = b"".join(page.body for page in found[1:audio])
    assert headers[:7] == b"\x03vorbis"
    assert found[audio - 1].segments[-1] < 255, "the setup header ends its page"
    assert [page.granule_position for page in found[1:audio]] == [
        0 if min(page.segments) < 255 else -1 for page in found[1:audio]
    ]
    assert OggVorbis(BytesIO(encoded.file)).get("comment", [""]) == ["x" * size]
    np.testing.assert_array_equal(
        by_libsndfile(encoded.file), by_libsndfile(encode(config("vorbis"), speechlike(96_000).tobytes()).file)
    )


def test_vorbis_names_libvorbis_as_its_encoder() -> None:
    found = OggVorbis(BytesIO(encode(config("vorbis", tags={"title": "x"}), b"").file))
    tags: Any = found.tags
    assert tags.vendor.startswith("Xiph.Org libVorbis")
    assert tags.as_dict() == {"title": ["x"]}


@pytest.mark.parametrize("rate", [8000, 24_000, 44_100, 96_000])
def test_vorbis_windows_do_not_depend_on_how_the_pcm_was_cut(rate: int) -> None:
    rng = np.random.default_rng(rate)
    bursts = np.repeat(rng.random(60) > 0.6, 700)[:, np.newaxis]  # libvorbis changes its window at each of them
    pcm = (rng.integers(-9000, 9000, (len(bursts), 2)) * bursts).astype("<i2").tobytes()
    wanted = config("vorbis", rate, 2, serial=1)
    files = [encode(wanted, pcm, cuts).file for cuts in ((), range(0, len(pcm), 3000), [4, len(pcm) // 2])]
    assert files[0] == files[1] == files[2]


def test_vorbis_size_grows_with_the_quality() -> None:
    pcm = speechlike(48000).tobytes()
    sizes = [encode(config("vorbis", vbr_quality=q), pcm).finished.file_bytes for q in (0, 0.3, 0.6, 1)]
    assert sizes == sorted(sizes)
