"""FLAC in Ogg: header packets, STREAMINFO, pages, 16 and 24 bits. Read with struct, dr_flac, FFmpeg and mutagen."""

import hashlib
from io import BytesIO
from typing import Any, NamedTuple

import miniaudio
import numpy as np
import pytest
from mutagen.oggflac import OggFLAC
from numpy.typing import NDArray
from support.decode import by_ffmpeg, by_miniaudio
from support.encode import Encoded, Request, config, encode, run, speechlike
from support.ogg import Page, pages

BLOCK = 4096
FIRST, LAST = 2, 4


class Streaminfo(NamedTuple):
    """RFC 9639, section 8.2."""

    blocks: tuple[int, int]
    frames: tuple[int, int]
    rate: int
    channels: int
    bits: int
    samples: int
    md5: bytes


def streaminfo(file: bytes) -> Streaminfo:
    """The first packet. RFC 9639, section 10.1."""
    packet = pages(file)[0].body
    assert packet[:9] == b"\x7fFLAC\x01\x00\x00\x01", "mapping 1.0, one more header packet"
    assert packet[9:17] == b"fLaC\x00\x00\x00\x22", "not the last metadata block, 34 bytes"
    body = packet[17:]
    packed = int.from_bytes(body[10:18], "big")
    return Streaminfo(
        (int.from_bytes(body[0:2], "big"), int.from_bytes(body[2:4], "big")),
        (int.from_bytes(body[4:7], "big"), int.from_bytes(body[7:10], "big")),
        packed >> 44,
        (packed >> 41 & 7) + 1,
        (packed >> 36 & 31) + 1,
        packed & (1 << 36) - 1,
        body[18:],
    )


def frames(found: list[Page]) -> list[bytes]:
    """Return the audio packets, assembled from the pages after the headers."""
    packets = [b""]
    for page in found[2:]:
        at = 0
        for size in page.segments:
            packets[-1] += page.body[at : at + size]
            at += size
            if size < 255:
                packets.append(b"")
    assert packets.pop() == b"", "the last packet is complete"
    return packets


def noise(count: int, channels: int = 1) -> NDArray[np.int64]:
    """Return 24-bit samples that cannot be compressed."""
    return np.random.default_rng(2).integers(-(2**23), 2**23, (count, channels))


def encode_24_bits(whole: NDArray[np.int64]) -> Encoded:
    pcm = (whole << 8).astype("<i4").view("u1").reshape(-1, 4)[:, 1:].tobytes()
    return encode(config("ogg-flac", channels=whole.shape[1], sample_format="S24LE"), pcm)


def test_the_first_page_is_streaminfo_and_the_second_the_comment() -> None:
    first, second, *_ = pages(encode(config("ogg-flac"), speechlike(9000).tobytes()).live)
    assert (first.flags, first.granule_position, len(first.segments), len(first.body)) == (FIRST, 0, 1, 51)
    assert (second.flags, second.granule_position) == (0, 0)
    assert second.body[0] == 0x80 | 4, "Vorbis comment, the last metadata block"
    assert int.from_bytes(second.body[1:4], "big") == len(second.body) - 4


def test_live_streaminfo_has_no_totals() -> None:
    info = streaminfo(encode(config("ogg-flac"), speechlike(9000).tobytes()).live)
    assert info == ((BLOCK, BLOCK), (0, 0), 24000, 1, 16, 0, bytes(16))


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_the_final_header_is_the_first_page_with_totals_and_md5(channels: int) -> None:
    pcm = speechlike(9000, channels=channels).tobytes()
    encoded = encode(config("ogg-flac", channels=channels), pcm)
    sizes = list(map(len, frames(pages(encoded.file))))
    assert len(encoded.finished.header) == 28 + 51
    assert pages(encoded.file)[1:] == pages(encoded.live)[1:]
    assert pages(encoded.file)[0].serial == pages(encoded.live)[0].serial
    assert streaminfo(encoded.file) == (
        (BLOCK, BLOCK), (min(sizes), max(sizes)), 24000, channels, 16, 9000, hashlib.md5(pcm).digest(),
    )  # fmt: skip


@pytest.mark.parametrize("length", [1, 15, 16, 4095, 4096, 4097, 8192, 24000])
def test_the_last_page_ends_with_the_last_sample(length: int) -> None:
    pcm = speechlike(length)
    encoded = encode(config("ogg-flac"), pcm.tobytes())
    found = pages(encoded.file)
    blocks = [*range(BLOCK, length, BLOCK), length]
    assert [page.granule_position for page in found[2:]] == blocks
    assert [page.flags for page in found] == [FIRST, *[0] * len(blocks), LAST]
    assert [page.sequence for page in found] == list(range(len(found)))
    assert len(frames(found)) == len(blocks), "a packet ends on the last page"
    np.testing.assert_array_equal(by_miniaudio(encoded.file), pcm)


def test_empty_file_has_headers_and_a_last_page_without_packets() -> None:
    encoded = encode(config("ogg-flac", channels=2), b"")
    found = pages(encoded.file)
    assert [page.flags for page in found] == [FIRST, 0, LAST]
    assert (found[2].granule_position, found[2].segments) == (-1, b"")
    assert streaminfo(encoded.file) == ((BLOCK, BLOCK), (0, 0), 24000, 2, 16, 0, hashlib.md5(b"").digest())
    assert by_miniaudio(encoded.file).shape == (0, 2)


@pytest.mark.parametrize(("page_ms", "blocks"), [(20, 1), (100, 1), (200, 2), (1000, 11)])
def test_a_page_has_as_many_whole_frames_as_page_ms_allows(page_ms: int, blocks: int) -> None:
    pcm = speechlike(100_000, 48000)
    file = encode(config("ogg-flac", 48000, page_ms=page_ms), pcm.tobytes()).file
    granules = [page.granule_position for page in pages(file)[2:]]
    assert granules == [*range(blocks * BLOCK, 100_000, blocks * BLOCK), 100_000]
    np.testing.assert_array_equal(by_miniaudio(file), pcm)


def test_flush_closes_the_page_and_leaves_the_block() -> None:
    pcm = speechlike(48000, 48000).tobytes()
    encoded = run(
        [
            Request(config("ogg-flac", 48000, page_ms=2000), pcm[: 2 * 10_000], flush=True),
            Request(pcm=pcm[2 * 10_000 :]),
        ]
    )
    assert [page.granule_position for page in pages(encoded.file)[2:]] == [2 * BLOCK, 48000]
    assert encoded.flushed[0].held_samples == 10_000 - 2 * BLOCK
    np.testing.assert_array_equal(by_miniaudio(encoded.file).tobytes(), pcm)


@pytest.mark.parametrize("effort", range(11))
def test_every_effort_is_bit_exact(effort: int) -> None:
    speech = speechlike(20_000)
    np.testing.assert_array_equal(
        by_miniaudio(encode(config("ogg-flac", effort=effort), speech.tobytes()).file), speech
    )


@pytest.mark.parametrize("channels", range(1, 9))
def test_24_bits_are_kept_in_frames_of_any_length(channels: int) -> None:
    whole = noise(10_000, channels)
    encoded = encode_24_bits(whole)
    found = pages(encoded.file)
    if channels > 5:
        assert max(map(len, frames(found))) > 65_025, "a frame longer than a page"
        assert -1 in {page.granule_position for page in found}
    assert streaminfo(encoded.file).bits == 24
    decoded: Any = miniaudio.flac_read_s32(encoded.file)
    np.testing.assert_array_equal(np.frombuffer(decoded.samples, np.int32).reshape(-1, channels) >> 8, whole)
    np.testing.assert_array_equal(by_ffmpeg(encoded.file) >> 8, whole)


def test_tags_are_vorbis_comments() -> None:
    tags = {"title": "Tïtle ☃", "artist": "A", "track": "3", "date": "2026-11-22"}
    found = OggFLAC(BytesIO(encode(config("ogg-flac", tags=tags), speechlike(5000).tobytes()).file))
    assert (found["title"], found["artist"], found["tracknumber"], found["date"]) == (
        ["Tïtle ☃"], ["A"], ["3"], ["2026-11-22"],
    )  # fmt: skip
    info: Any = found.info
    assert info.length == pytest.approx(5000 / 24000)
