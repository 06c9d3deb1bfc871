"""WebM: elements, positions and timestamps, read by the tests' own parser and by FFmpeg."""

from io import BytesIO
from itertools import pairwise
from struct import unpack

import av
import numpy as np
import pytest
from audiowriter_core.muxers.webm import ebml
from audiowriter_core.muxers.webm.elements import Cues
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from support import webm
from support.decode import by_blocks, by_ffmpeg
from support.encode import Request, config, encode, run, speechlike

MS = 1_000_000
"""One millisecond, in ns."""
PRE_SKIP = 312
TICKS_PER_MS = 2


def segment(file: bytes) -> tuple[int, bytes]:
    """Return position and bytes of the Segment's data."""
    ((start, data),) = ((at, data) for found, at, data in webm.elements(file) if found == webm.SEGMENT)
    return start + 12, data


def top(file: bytes) -> list[tuple[int, int, bytes]]:
    """Return ID, position in the Segment's data and data of each child of the Segment."""
    start, data = segment(file)
    children, end = [], 0
    for element_id, at, found in webm.elements(file, start):
        if at - start >= end:
            children.append((element_id, at - start, found))
            end = file.index(found, at) - start + len(found)
    assert end == len(data)
    return children


def blocks(file: bytes) -> list[tuple[int, bytes]]:
    """Return timestamp in ticks and packet of each block."""
    found, cluster = [], 0
    for element_id, _, data in webm.elements(file):
        if element_id == webm.TIMESTAMP:
            cluster = webm.number(data)
        elif element_id in (webm.SIMPLE_BLOCK, webm.BLOCK):
            track, relative, _ = unpack(">BhB", data[:4])
            assert track == 0x81
            found.append((cluster + relative, data[4:]))
    return found


def cues(file: bytes) -> list[tuple[int, int]]:
    """Return timestamp in ticks and position of each cue."""
    times, positions = webm.find(file, webm.CUE_TIME), webm.find(file, webm.CUE_CLUSTER_POSITION)
    return list(zip(map(webm.number, times), map(webm.number, positions), strict=True))


def muxed_by_ffmpeg(pcm: NDArray[np.int16]) -> bytes:
    """Encode mono audio at 24 kHz to Opus in WebM with FFmpeg."""
    file = BytesIO()
    with av.open(file, "w", "webm") as container:
        stream = container.add_stream("libopus", 24000, layout="mono")
        frame = av.AudioFrame.from_ndarray(pcm.T, "s16", "mono")
        frame.sample_rate = 24000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def seconds_with_late_seeks(file: bytes) -> set[int]:
    """Seek to every 10 ms; return the seconds at which FFmpeg starts to read after the target."""
    late = set()
    for target_ms in range(0, 16_000, 10):
        with av.open(
            BytesIO(file), "r"
        ) as container:  # a new one each time, because it caches the blocks that it has read
            container.seek(target_ms * 1000)
            packet = next(container.demux())
            assert packet.pts is not None
            if packet.pts * packet.time_base * 1000 > target_ms:
                late.add(target_ms // 1000)
    return late


@given(st.integers(0, 300), st.sampled_from([0xEC, 0x4286, 0x2AD7B1, 0x1F43B675]))
def test_elements_are_read_back(size: int, element_id: int) -> None:
    data = ebml.element(element_id, bytes(size))
    if element_id == webm.CLUSTER:  # a master element, whose children the parser would read
        data = ebml.element(element_id, ebml.void(9 + size))
    assert next(webm.elements(data))[0] == element_id
    assert len(next(webm.elements(data))[2]) == (size + 9 if element_id == webm.CLUSTER else size)


def test_a_size_of_all_ones_is_not_used_for_a_known_size() -> None:
    assert ebml.element(0xEC, bytes(126))[1:2] == b"\xfe"
    assert ebml.element(0xEC, bytes(127))[1:3] == b"\x40\x7f"


@given(st.integers(-(2**40), 2**40))
def test_signed_integers_are_read_back(value: int) -> None:
    ((_, _, data),) = webm.elements(ebml.signed(0x75A2, value))
    assert int.from_bytes(data, "big", signed=True) == value


def test_live_segment_has_neither_size_nor_duration() -> None:
    live = encode(config("webm"), speechlike(24000).tobytes()).live
    assert live[segment(live)[0] - 8 :][:8] == b"\x01" + b"\xff" * 7
    assert [element_id for element_id, _, _ in top(live)] == [
        webm.VOID, webm.INFO, webm.TRACKS, *[webm.CLUSTER] * 11, webm.CUES,
    ]  # fmt: skip
    assert not webm.find(live, webm.DURATION)


@pytest.mark.parametrize("tags", [{}, {"title": "A" * 200}])
@pytest.mark.parametrize("length", [0, 1, 24000, 24012])
def test_finished_positions_and_lengths_are_correct(length: int, tags: dict[str, str]) -> None:
    file = encode(config("webm", tags=tags), speechlike(length).tobytes()).file
    start, data = segment(file)
    assert start + len(data) == len(file)
    assert file[start - 8 : start] == ebml.size_in_eight_bytes(len(data))
    assert unpack(">d", webm.find(file, webm.DURATION)[0]) == (pytest.approx(TICKS_PER_MS * length / 24, abs=1e-9),)
    where = {element_id: at for element_id, at, _ in reversed(top(file))}
    sought = zip(webm.find(file, webm.SEEK_ID), webm.find(file, webm.SEEK_POSITION), strict=True)
    assert {webm.number(element_id): webm.number(at) for element_id, at in sought} == {
        element_id: at for element_id, at in where.items() if element_id not in (webm.SEEK_HEAD, webm.CLUSTER)
    }
    clusters = [
        (webm.number(webm.find(found, webm.TIMESTAMP)[0]), at) for name, at, found in top(file) if name == webm.CLUSTER
    ]
    assert cues(file) == clusters[:1]


def test_a_cue_every_five_seconds_points_to_its_cluster() -> None:
    file = encode(config("webm", page_ms=60), speechlike(24000 * 16).tobytes()).file
    clusters = [
        (webm.number(webm.find(found, webm.TIMESTAMP)[0]), at) for name, at, found in top(file) if name == webm.CLUSTER
    ]
    assert set(cues(file)) <= set(clusters)
    assert [time // TICKS_PER_MS for time, _ in cues(file)] == [0, 5040, 10080, 15120]


def test_ffmpeg_seeks_as_well_as_in_its_own_file() -> None:
    """After a seek FFmpeg drops the block of the cue: it subtracts the codec's delay only from the block's time."""
    pcm = speechlike(24000 * 16)
    ours, theirs = (
        seconds_with_late_seeks(file) for file in (encode(config("webm"), pcm.tobytes()).file, muxed_by_ffmpeg(pcm))
    )
    assert ours == theirs == {0, 5, 10, 15}


@pytest.mark.parametrize("rate", [8000, 12000, 16000, 24000, 48000])
@pytest.mark.parametrize("frames", [0, 1, 100, 479, 480, 804, 24000])
def test_webm_is_trimmed_to_the_sample(rate: int, frames: int) -> None:
    encoded = encode(config("webm", rate), speechlike(frames, rate).tobytes())
    delay, discarded = (
        sum(map(webm.number, webm.find(encoded.file, element_id)))
        for element_id in (webm.CODEC_DELAY, webm.DISCARD_PADDING)
    )
    packets = len(blocks(encoded.file))
    assert delay == PRE_SKIP * 1_000_000_000 // 48000
    assert discarded < 20 * MS, "at most the last packet"
    assert packets * 20 * MS - delay - discarded == pytest.approx(frames * 1_000_000_000 / rate, abs=1)
    assert encoded.finished.delay_samples == PRE_SKIP * rate // 48000
    assert encoded.finished.padding_samples == pytest.approx(discarded * rate / 1_000_000_000, abs=1e-3)
    assert len(by_blocks(encoded.file)) == frames
    if packets > 1:
        assert len(by_ffmpeg(encoded.file)) == len(by_ffmpeg(encoded.live)) == frames * 48000 // rate


@pytest.mark.parametrize("page_ms", [20, 100, 2000])
def test_blocks_are_contiguous_in_clusters_of_page_ms(page_ms: int) -> None:
    file = encode(config("webm", page_ms=page_ms), speechlike(240_000).tobytes()).file
    assert [time for time, _ in blocks(file)] == [20 * TICKS_PER_MS * n for n in range(len(blocks(file)))]
    starts = [webm.number(webm.find(found, webm.TIMESTAMP)[0]) for name, _, found in top(file) if name == webm.CLUSTER]
    assert {b - a for a, b in pairwise(starts)} == {page_ms * TICKS_PER_MS}


def test_flush_closes_the_cluster() -> None:
    pcm = speechlike(24000).tobytes()
    encoded = run(
        [
            Request(config=config("webm", page_ms=2000), pcm=pcm[:24000], flush=True),
            Request(flush=True),
            Request(pcm=pcm[24000:]),
        ]
    )
    assert encoded.flushed[0].held_samples <= 156, "libopus' lookahead"
    assert encoded.flushed[0].offset == encoded.flushed[1].offset, "nothing is left to flush"
    assert len(by_ffmpeg(encoded.file)) == 48000


@pytest.mark.parametrize("channels", range(1, 9))
def test_channels_keep_their_order(channels: int) -> None:
    rate = 48000
    t = np.arange(rate)[:, None] / rate
    tones = 400 + 300 * np.arange(channels)
    if channels >= 6:
        tones[3] = 60  # the LFE channel has no higher frequencies
    pcm = (8000 * np.sin(2 * np.pi * tones * t)).astype("<i2")
    decoded = by_ffmpeg(encode(config("webm", rate, channels), pcm.tobytes()).file)
    heard = np.abs(np.fft.rfft(decoded, axis=0)).argmax(axis=0)
    np.testing.assert_allclose(heard, tones, atol=3)


def test_packets_are_the_same_as_in_ogg() -> None:
    from support.ogg import pages

    pcm = speechlike(24000).tobytes()
    in_ogg = b"".join(page.body for page in pages(encode(config("opus"), pcm).file)[2:])
    assert b"".join(packet for _, packet in blocks(encode(config("webm"), pcm).file)) == in_ogg


def test_tags_and_seek_pre_roll() -> None:
    tags = {"title": "Tïtle ☃", "artist": "A", "track": "3"}
    file = encode(config("webm", tags=tags), b"").live
    names, strings = webm.find(file, webm.TAG_NAME), webm.find(file, webm.TAG_STRING)
    tags_found = {name.decode(): text.decode() for name, text in zip(names, strings, strict=True)}
    assert tags_found == {"TITLE": "Tïtle ☃", "ARTIST": "A", "PART_NUMBER": "3"}
    assert [webm.number(found) for found in webm.find(file, webm.SEEK_PRE_ROLL)] == [80 * MS]


def test_the_codec_delay_is_a_whole_number_of_ticks() -> None:
    file = encode(config("webm"), b"").live
    (scale,), (delay,) = webm.find(file, webm.TIMESTAMP_SCALE), webm.find(file, webm.CODEC_DELAY)
    assert webm.number(scale) == MS // TICKS_PER_MS
    assert webm.number(delay) % webm.number(scale) == 0


@pytest.mark.parametrize("clusters", [1, 511, 512, 513, 100_000])
def test_cues_stay_few_and_evenly_spaced(clusters: int) -> None:
    made = Cues()
    for number in range(clusters):
        made.add(5000 * number, 7 * number)
    times = [webm.number(time) for time in webm.find(made.data(), webm.CUE_TIME)]
    assert times[0] == 0
    assert min(clusters, 256) <= len(times) <= 512
    assert len({b - a for a, b in pairwise(times)}) <= 1
    assert [7 * time // (5000 * TICKS_PER_MS) for time in times] == list(
        map(webm.number, webm.find(made.data(), webm.CUE_CLUSTER_POSITION))
    )
