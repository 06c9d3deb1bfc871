"""A stream that is encoded again on another kind of CPU goes on where the packets of its listener end."""

from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise
from typing import Any

import google_crc32c
import numpy as np
import pytest
from audiowriter_core import FORMATS, Chunk, Event, ResumedEncoder, ResumeMismatch, ResumePoint
from support import mp4, ogg, webm
from support.decode import JUDGES, Decoded
from support.encode import Config, Encoded, Request, collect, config, encode, real_speech, run
from support.other_cpu import other_cpu

RATE = 24_000
SPEECH = real_speech()
PCM = SPEECH.tobytes()
SERIAL = 7
JOINABLE = [name for name, kind in FORMATS.items() if kind.joinable]
joinable = pytest.mark.parametrize("name", JOINABLE)


@dataclass
class Listener:
    """What a listener has."""

    chunks: list[Chunk]
    serial: int = SERIAL

    @property
    def data(self) -> bytes:
        return b"".join(chunk.data for chunk in self.chunks)

    @property
    def point(self) -> ResumePoint:
        data, last = self.data, self.chunks[-1]
        first_crc = google_crc32c.value(self.chunks[0].data)
        crc = google_crc32c.value(data)
        return ResumePoint(len(data), sha256(data).digest(), last.output_samples, crc, first_crc)


def options(name: str) -> Config:
    return config(name, RATE, serial=SERIAL)


def requests(wanted: Config, cut: int, flush_at: int = 100_001) -> list[Request]:
    """Return a stream with a flush, inside a sample."""
    edges = sorted({*range(0, len(PCM), cut), flush_at, len(PCM)})
    return [Request(wanted)] + [Request(pcm=PCM[start:stop], flush=stop == flush_at) for start, stop in pairwise(edges)]


def heard(name: str, share: float) -> Listener:
    whole = run(requests(options(name), 960))
    return Listener(whole.chunks[: 1 + int(share * (len(whole.chunks) - 1))])


def resume(name: str, point: ResumePoint, cut: int = 7001) -> tuple[ResumedEncoder, Encoded]:
    """Encode the stream once more for a listener; return its bytes, with offsets from 0."""
    first, *rest = requests(options(name), cut)
    assert first.config is not None
    encoded, events = Encoded(), list[Event]()
    with ResumedEncoder(point, **first.config) as encoder:
        events += encoder.start()
        for request in rest:
            events += encoder.write(request.pcm)
            if request.flush:
                events += encoder.flush()
        events += encoder.finish()
    collect([_moved(event, -point.offset) for event in events], encoded)
    return encoder, encoded


def _moved(event: Event, by: int) -> Event:
    return event._replace(offset=event.offset + by) if isinstance(event, Chunk) else event


def packets_end(name: str, data: bytes) -> int:
    """Return how many samples, with the delay, the pages of this format hold. Fails if the data ends inside one."""
    if name == "opus":
        return ogg.pages(data)[-1].granule_position * RATE // 48_000
    if name == "webm":
        blocks = len(webm.find(data, webm.SIMPLE_BLOCK))
        return blocks * RATE // 50
    if name == "aac":
        at = frames = 0
        while at < len(data):
            assert data[at : at + 2] == b"\xff\xf1"
            at += int.from_bytes(data[at + 3 : at + 6]) >> 5 & 0x1FFF
            frames += 1
        assert at == len(data)
        return 1024 * frames
    assert name == "fmp4"
    tracks = [box for box in mp4.boxes(data) if box.kind == b"moof"]
    return 1024 * sum(int.from_bytes(mp4.find(box, "traf", "trun")[4:8]) for box in tracks)


@joinable
@pytest.mark.parametrize("cut", [960, 20_003, len(PCM)])
def test_each_chunk_ends_where_a_page_ends_and_says_where_that_is(name: str, cut: int) -> None:
    whole = run(requests(options(name), cut))
    data = b""
    for chunk in whole.chunks:
        data += chunk.data
        end = packets_end(name, data)
        assert chunk.output_samples == max(0, end - whole.finished.delay_samples)
    assert whole.chunks[-1].output_samples > RATE


def test_other_formats_have_no_such_places() -> None:
    for name in FORMATS.keys() - JOINABLE:
        chunks = encode(config(name), PCM).chunks
        assert {chunk.output_samples for chunk in chunks} <= {0}, name


@joinable
def test_listener_goes_on_with_the_same_bytes_if_there_are_such(name: str) -> None:
    whole, listener = run(requests(options(name), 960)), heard(name, 0.5)
    encoder, rest = resume(name, listener.point)
    assert listener.data + rest.live == whole.live
    assert rest.finished == whole.finished
    assert not encoder.joined


@joinable
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_listener_goes_on_with_the_packets_of_another_cpu(name: str, share: float) -> None:
    here, listener = run(requests(options(name), 960)), heard(name, share)
    with other_cpu():
        there = run(requests(options(name), 960))
        encoder, rest = resume(name, listener.point)
    offset = len(listener.data)
    assert encoder.joined
    assert len(there.live) - len(rest.live) != offset, "not even the sizes of the packets are those of the listener"
    live = listener.data + rest.live
    finished = rest.finished
    file = finished.header + live[len(finished.header) :]
    assert finished.file_bytes == len(file)
    assert (finished.sent_sha256, finished.sent_sha256_offset) == (sha256(rest.live).digest(), offset)
    assert finished.file_crc32c == google_crc32c.value(file)
    assert (finished.output_samples, finished.padding_samples) == (
        here.finished.output_samples,
        here.finished.padding_samples,
    )
    assert packets_end(name, live[: -len(finished.trailer)]) == packets_end(
        name, here.live[: -len(here.finished.trailer)]
    )
    assert_no_seam(name, listener.point.output_samples, *(JUDGES[name](each) for each in (here.file, there.file, file)))


def assert_no_seam(name: str, at: int, here: Decoded, there: Decoded, joined: Decoded) -> None:
    """The decoder goes from one file to the other in a second, and is never further away than they are from each other."""
    assert len(here) == len(there) == len(joined)
    at = at * len(joined) // len(SPEECH)
    before, blend, after = slice(0, at - RATE // 10), slice(at - RATE // 10, at + RATE // 2), slice(at + RATE, None)
    np.testing.assert_array_equal(joined[before], here[before])
    if len(joined[after]):
        most = 0.1 if name in ("opus", "webm") else 0.5  # decoders of AAC fill bands with random noise
        assert rms(joined[after], there[after]) < most * rms(here[after], there[after]) + 1e-9
    assert rms(joined[blend], there[blend]) <= 1.1 * max(rms(here[blend], there[blend]), rms(here, there))


def test_listener_may_go_on_twice() -> None:
    listener, whole = heard("opus", 0.3), run(requests(options("opus"), 960))
    with other_cpu():
        _, second = resume("opus", listener.point)
    listener.chunks += second.chunks[: len(second.chunks) // 2]
    encoder, third = resume("opus", listener.point)
    assert encoder.joined
    file = listener.data + third.live
    assert third.finished.file_crc32c == google_crc32c.value(file)
    assert third.finished.sent_sha256_offset == len(listener.data)
    assert whole.live.endswith(third.live)
    pages = ogg.pages(file)
    assert [page.sequence for page in pages] == list(range(len(pages)))
    assert [page.granule_position for page in pages] == [page.granule_position for page in ogg.pages(whole.live)]


def test_cues_point_to_the_clusters_of_both_encoders() -> None:
    listener = heard("webm", 0.8)
    with other_cpu():
        encoder, rest = resume("webm", listener.point)
    assert encoder.joined
    live = listener.data + rest.live
    file = rest.finished.header + live[len(rest.finished.header) :]
    clusters = {start for kind, start, _ in webm.elements(file) if kind == webm.CLUSTER}
    found = [int.from_bytes(each) for each in webm.find(file, webm.CUE_CLUSTER_POSITION)]
    (segment,) = (start + 12 for kind, start, _ in webm.elements(file) if kind == webm.SEGMENT)
    assert {segment + each for each in found} <= clusters
    assert found[0] == min(clusters) - segment


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"output_samples": 0}, "the bytes differ"),
        ({"output_samples": 2 * RATE + 1}, "end inside a page"),
        ({"output_samples": len(SPEECH)}, "the file is shorter"),
        ({"first_crc32c": 0}, "the first chunk differs"),
        ({"offset": 1000}, "bytes here"),
        ({"offset": 10**9}, "bytes here"),
    ],
)
def test_bytes_that_cannot_follow_those_of_the_listener_are_refused(change: dict[str, Any], why: str) -> None:
    point = heard("opus", 0.5).point
    with other_cpu(), pytest.raises(ResumeMismatch, match=why):
        resume("opus", replace(point, **change))


@pytest.mark.parametrize("name", ["mp3", "flac", "vorbis", "m4a", "ogg-flac"])
def test_format_that_cannot_go_on_with_other_bytes_says_so(name: str) -> None:
    point = replace(heard(name, 0.5).point, sha256=bytes(32), output_samples=RATE)
    with pytest.raises(ResumeMismatch, match=f"{name} goes on with the same bytes only"):
        resume(name, point)


def rms(a: Decoded, b: Decoded) -> float:
    return float(np.sqrt(np.mean((a.astype(float) - b) ** 2)))
