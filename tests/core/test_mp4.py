"""MP4: the movie and its fragments, read by the tests' own parser, mutagen and FFmpeg."""

import tracemalloc
from io import BytesIO
from struct import iter_unpack, unpack, unpack_from
from typing import Any

import numpy as np
import pytest
from audiowriter_core.muxers import adts
from audiowriter_core.muxers.mp4.boxes import joined
from audiowriter_core.muxers.mp4.movie import SampleTable, Track
from mutagen.mp4 import MP4
from support.decode import by_frame_durations
from support.encode import Request, config, encode, run, speechlike
from support.mp4 import Box, boxes, find, fragments, frames, full, movie, without_data_stream

PRIMING = 1024

both = pytest.mark.parametrize("name", ["m4a", "fmp4"])


def kinds(file: bytes) -> list[str]:
    return [box.kind.decode() for box in boxes(file)]


def test_live_m4a_is_fragmented_and_ends_with_a_hidden_movie() -> None:
    encoded = encode(config("m4a"), speechlike(30000).tobytes())
    assert kinds(encoded.live) == ["ftyp", "free", "moov", *["moof", "mdat"] * 4, "free"]
    assert b"mvex" in movie(encoded.live).data


def test_finished_m4a_is_one_movie_after_its_media() -> None:
    encoded = encode(config("m4a"), speechlike(30000).tobytes())
    assert kinds(encoded.file) == ["ftyp", "free", "mdat", "moov"]
    assert b"mvex" not in movie(encoded.file).data


@pytest.mark.parametrize("page_ms", [20, 100, 500, 2000])
@pytest.mark.parametrize("length", [1, 1024, 24000, 100_000])
def test_the_movie_lists_every_frame_of_the_fragments(length: int, page_ms: int) -> None:
    encoded = encode(config("m4a", page_ms=page_ms), speechlike(length).tobytes())
    live = [frame for fragment in fragments(encoded.live) for frame in fragment.frames]
    assert len(live) == (PRIMING + length + encoded.finished.padding_samples) / 1024
    assert list(map(without_data_stream, frames(encoded.file, movie(encoded.file)))) == live


@pytest.mark.parametrize(("rate", "page_ms"), [(24000, 20), (24000, 500), (48000, 2000), (96000, 2000)])
def test_finished_frames_are_contiguous(rate: int, page_ms: int) -> None:
    pcm = speechlike(3 * rate, rate).tobytes()
    requests = [
        Request(config=config("m4a", rate, page_ms=page_ms), pcm=pcm[:rate], flush=True),
        Request(pcm=pcm[rate:]),
    ]
    encoded = run(requests)
    found = frames(encoded.file, movie(encoded.file))
    assert encoded.file.count(b"".join(found)) == 1
    np.testing.assert_array_equal(by_frame_durations(encoded.file), by_frame_durations(encoded.live))


@pytest.mark.parametrize("length", [1, 1023, 1024, 1025, 24000])
def test_the_finished_movie_is_exact_to_the_sample(length: int) -> None:
    moov = movie(encode(config("m4a"), speechlike(length).tobytes()).file)
    _, _, movie_rate, movie_duration = unpack_from(">IIII", full(moov, "mvhd"))
    _, _, media_rate, media_duration = unpack_from(">IIII", full(moov, "trak", "mdia", "mdhd"))
    assert movie_rate == media_rate == 24000
    assert movie_duration == length
    assert media_duration == PRIMING + length
    assert unpack(">IIiI", full(moov, "trak", "edts", "elst")) == (1, length, PRIMING, 0x10000)
    durations = list(iter_unpack(">II", full(moov, "trak", "mdia", "minf", "stbl", "stts")[4:]))
    assert sum(count * duration for count, duration in durations) == PRIMING + length


@both
@pytest.mark.parametrize("length", [1, 1023, 1024, 1025, 24000])
def test_fragments_follow_each_other_to_the_sample(name: str, length: int) -> None:
    live = encode(config(name), speechlike(length).tobytes()).live
    found = fragments(live)
    ends = [fragment.start_sample + fragment.frame_duration * len(fragment.frames) for fragment in found]
    assert [fragment.start_sample for fragment in found] == [0, *ends[:-1]]
    assert ends[-1] == PRIMING + length
    numbers = [unpack(">I", full(box, "mfhd"))[0] for box in boxes(live) if box.kind == b"moof"]
    assert numbers == list(range(1, len(found) + 1))
    assert unpack(">IIiI", full(movie(live), "trak", "edts", "elst")) == (1, 0, PRIMING, 0x10000)


def test_a_fragmented_file_has_a_major_brand_that_all_readers_accept() -> None:
    ftyp = next(boxes(encode(config("fmp4"), b"").file))
    assert (ftyp.kind, ftyp.data[:4]) == (b"ftyp", b"isom")
    assert {b"iso5", b"iso6"} <= {ftyp.data[at : at + 4] for at in range(8, len(ftyp.data), 4)}


@pytest.mark.parametrize("flush", [False, True])
def test_a_fragmented_file_ends_with_a_box_of_16_bytes_or_more(flush: bool) -> None:
    encoded = run(
        [
            Request(config=config("fmp4"), pcm=bytes(2 * 24000), flush=flush),
            Request(pcm=bytes(2 * 100)),
        ]
    )
    *_, last_mdat = (box for box in boxes(encoded.live) if box.kind == b"mdat")
    assert len(last_mdat.data) < 8, "one frame of silence: the case that GStreamer drops"
    *_, last = boxes(encoded.live)
    assert len(encoded.live) - last.start >= 16


@both
@pytest.mark.parametrize(("page_ms", "expected"), [(20, 1), (43, 1), (100, 2), (500, 11), (2000, 46)])
def test_fragments_are_at_most_page_ms_long(name: str, page_ms: int, expected: int) -> None:
    *body, _, _ = fragments(encode(config(name, page_ms=page_ms), speechlike(120_000).tobytes()).live)
    assert {len(fragment.frames) for fragment in body} == {expected}


@both
def test_flush_closes_the_fragment(name: str) -> None:
    pcm = speechlike(24000).tobytes()
    encoded = run(
        [
            Request(config=config(name, page_ms=2000), pcm=pcm[:24000], flush=True),
            Request(pcm=pcm[24000:], flush=True),
            Request(flush=True),
        ]
    )
    assert encoded.flushed[0].held_samples < 3 * 1024, "the codec's lookahead and an incomplete frame"
    assert encoded.flushed[1].offset == encoded.flushed[2].offset, "nothing is left to flush"
    assert len(by_frame_durations(encoded.file)) == 24000


@both
@pytest.mark.parametrize("channels", [1, 2, 3, 5, 6])
@pytest.mark.parametrize("rate", adts.SAMPLE_RATES)
def test_every_rate_and_channel_count_is_in_the_file_and_decodes(name: str, rate: int, channels: int) -> None:
    encoded = encode(config(name, rate, channels), speechlike(rate // 4, rate, channels).tobytes())
    info: Any = MP4(BytesIO(encoded.file)).info
    assert (info.sample_rate, info.channels, info.codec) == (rate, channels, "mp4a.40.2")
    live = by_frame_durations(encoded.live)
    assert live.shape == (rate // 4, channels)
    np.testing.assert_array_equal(by_frame_durations(encoded.file), live)


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 6])
def test_channels_keep_their_order(channels: int) -> None:
    rate = 48000
    t = np.arange(rate)[:, None] / rate
    tones = 400 + 300 * np.arange(channels)
    if channels == 6:
        tones[3] = 60  # the LFE channel has no higher frequencies
    pcm = (8000 * np.sin(2 * np.pi * tones * t)).astype("<i2")
    decoded = by_frame_durations(encode(config("m4a", rate, channels), pcm.tobytes()).file)
    heard = np.abs(np.fft.rfft(decoded, axis=0)).argmax(axis=0)
    np.testing.assert_allclose(heard, tones, atol=3)


@both
def test_tags_are_read_live_and_finished(name: str) -> None:
    tags = {"title": "Tïtle ☃", "artist": "A", "album": "B", "date": "2024-05-06", "genre": "C", "comment": "D"}
    encoded = encode(config(name, tags={**tags, "track": "3/12"}), speechlike(24000).tobytes())
    for file in (encoded.live, encoded.file):
        found = MP4(BytesIO(file))
        texts = [found[key] for key in ("©nam", "©ART", "©alb", "©day", "©gen", "©cmt")]
        assert texts == [[value] for value in tags.values()]
        assert found["trkn"] == [(3, 12)]
    if name == "m4a":  # a fragmented file does not contain its duration
        info: Any = MP4(BytesIO(encoded.file)).info
        assert info.length * 24000 == pytest.approx(PRIMING + 24000)


@pytest.mark.parametrize(
    ("track", "found"), [("7", (7, 0)), ("0012/9999", (12, 9999)), ("side B", None), ("1/x", None)]
)
def test_a_track_that_is_not_a_number_is_text(track: str, found: tuple[int, int] | None) -> None:
    tags = MP4(BytesIO(encode(config("m4a", tags={"track": track}), b"").file))
    assert tags.get("trkn", [None]) == [found]
    assert tags.get("©trk", [None]) == [None if found else track]


def test_a_frame_of_ten_hours_costs_two_bytes() -> None:
    track = Track(48000, 2, 128_000, b"", 1024, PRIMING)
    count = 10 * 3600 * 48000 // 1024
    fragment = [bytes(300)] * 23
    tracemalloc.start()
    table = SampleTable(track, 1000, 100)
    for _ in range(count // 23):
        table.add(fragment)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 4_000_000


def test_fragments_of_changing_length_make_a_table_in_few_pieces() -> None:
    """Pieces are objects of Python, so one per fragment would take seconds after hours with many flushes."""
    table = SampleTable(Track(48000, 2, 128_000, b"", 1024, PRIMING), 1000, 100)
    lengths = [1, 1, 2, 3] * 3000
    for length in lengths:
        table.add([bytes(10)] * length)
    pieces = table.boxes(1024)
    assert len(pieces) < 100
    runs = unpack(">I27000I", full(Box(b"stbl", 0, joined(pieces)), "stsc"))
    assert runs[0] == 9000
    assert runs[1:10] == (1, 1, 1, 3, 2, 1, 4, 3, 1)
    assert runs[-6:] == (11999, 2, 1, 12000, 3, 1)
    for piece in pieces:
        assert b"".join(piece[start : start + 1000] for start in range(0, len(piece), 1000)) == piece[:]


def test_decoders_start_a_frame_early_after_a_seek() -> None:
    moov = movie(encode(config("m4a"), speechlike(24000).tobytes()).file)
    stbl = Box(b"stbl", 0, find(moov, "trak", "mdia", "minf", "stbl"))
    assert unpack(">4sIIh", full(stbl, "sgpd")) == (b"roll", 2, 1, -1)
    kind, entries, count, index = unpack(">4sIII", full(stbl, "sbgp"))
    assert (kind, entries, count, index) == (b"roll", 1, len(full(stbl, "stsz")[8:]) // 4, 1)


@both
def test_fragments_contain_complete_codec_frames(name: str) -> None:
    pcm = speechlike(48000).tobytes()
    raw = encode(config("aac"), pcm).file
    adts_frames, at = [], 0
    while at < len(raw):
        size = int.from_bytes(raw[at + 3 : at + 6], "big") >> 5 & 0x1FFF
        adts_frames.append(raw[at + 7 : at + size])
        at += size
    found = [frame for fragment in fragments(encode(config(name), pcm).live) for frame in fragment.frames]
    assert found == adts_frames
