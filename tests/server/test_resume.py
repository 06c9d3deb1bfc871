"""A stream that goes on where another call broke: the bytes that the listener has are compared and not sent."""

from collections.abc import Iterator
from hashlib import sha256
from itertools import pairwise
from typing import Any

import google_crc32c
import grpc
import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core import ResumeMismatch
from audiowriter_server.errors import InvalidArgument, OutOfOrder
from audiowriter_server.rpc.session import Session
from support.decode import JUDGES
from support.encode import real_speech
from support.metrics import Metrics
from support.other_cpu import other_cpu
from support.server import Error, ServerProcess, Stream, channel_to
from support.streams import NAMES, config, run, speechlike

PCM = speechlike(96_000).tobytes()
FLUSH_AT = 40_001
"""In bytes: inside a sample."""
Request = pb.EncodeStreamRequest


def point(sent: bytes, offset: int, serial: int) -> pb.ResumePoint:
    return pb.ResumePoint(offset=offset, sha256=sha256(sent[:offset]).digest(), serial=serial)


def requests(name: str, resume: pb.ResumePoint | None = None, sample_format: str = "S16LE") -> Iterator[Request]:
    """Yield a stream with a flush. The second time, it is cut elsewhere."""
    yield Request(config=config(name, sample_format=sample_format), resume=resume)
    step = 960 if resume is None else 7001
    edges = sorted({0, *range(0, len(PCM), step), FLUSH_AT, len(PCM)})
    for start, stop in pairwise(edges):
        yield Request(pcm=PCM[start:stop], flush=pb.Flush() if stop == FLUSH_AT else None)


def resumed(all_requests: Iterator[Request]) -> tuple[list[pb.EncodeStreamResponse], bytes]:
    """Run a stream; return its responses, and the bytes that it has sent."""
    session = Session()
    try:
        responses = [response for request in all_requests for response in session.receive(request)]
        responses += session.finish()
    finally:
        session.close()
    return responses, b"".join(each.chunk.data for each in responses) + responses[-1].finished.trailer


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 1])
def test_resumed_stream_sends_exactly_the_bytes_from_the_offset_on(name: str, share: float) -> None:
    whole = run(requests(name))
    offset = int(share * len(whole.live))
    responses, sent = resumed(requests(name, point(whole.live, offset, whole.started.serial)))
    first, *_, last = responses
    if offset:
        assert first.started == whole.started
        assert sent == whole.live[offset:]
        assert last.finished.header == whole.finished.header
        assert last.finished.totals == whole.totals, "the checksums are those of the whole file"
    chunks = [each.chunk for each in responses if each.HasField("chunk")]
    for chunk in chunks:
        assert chunk.data
        assert chunk.offset == offset
        offset += len(chunk.data)
    assert sum(each.HasField("flushed") for each in responses) == 1, "a flush is answered again"


@pytest.mark.parametrize("name", ["wav-mulaw", "wav", "mp3", "opus"])
def test_resumed_stream_of_mulaw_sends_the_same_bytes(name: str) -> None:
    whole = run(requests(name, sample_format="MULAW"))
    offset = len(whole.live) // 2
    resume = point(whole.live, offset, whole.started.serial)
    responses, sent = resumed(requests(name, resume, sample_format="MULAW"))
    assert sent == whole.live[offset:]
    assert responses[-1].finished.totals == whole.totals


@pytest.mark.parametrize("name", NAMES)
def test_other_bytes_before_the_offset_are_refused_before_any_byte_is_sent(name: str) -> None:
    whole = run(requests(name))
    wrong = bytearray(whole.live)
    wrong[0] ^= 1
    session = Session()
    with pytest.raises(ResumeMismatch):
        for request in requests(name, point(bytes(wrong), 100, whole.started.serial)):
            for response in session.receive(request):
                assert response.WhichOneof("event") != "chunk"
        session.finish()
    session.close()


def test_file_that_ends_before_the_offset_is_refused() -> None:
    whole = run(requests("pcm"))
    with pytest.raises(ResumeMismatch):
        resumed(requests("pcm", point(whole.live, len(whole.live) + 1, whole.started.serial)))


def test_another_serial_has_other_bytes() -> None:
    whole = run(requests("opus"))
    with pytest.raises(ResumeMismatch):
        resumed(requests("opus", point(whole.live, 1000, whole.started.serial ^ 1 or 2)))


HASH = sha256().digest()


@pytest.mark.parametrize(
    ("resume", "fields"),
    [
        ({"offset": -1, "sha256": HASH, "serial": 1}, ["resume.offset"]),
        ({"offset": 1, "serial": 1}, ["resume.sha256"]),
        ({"offset": 1, "sha256": HASH[1:], "serial": 1}, ["resume.sha256"]),
        ({"offset": 1, "sha256": HASH}, ["resume.serial"]),
        ({"offset": -1}, ["resume.offset", "resume.sha256", "resume.serial"]),
    ],
)
def test_invalid_resume_point_names_its_fields(resume: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        resumed(iter([Request(config=config("wav"), resume=pb.ResumePoint(**resume))]))
    assert [violation.field for violation in caught.value.violations] == fields


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ([Request(resume=pb.ResumePoint())], "CONFIG_MISSING"),
        ([Request(config=config("wav")), Request(resume=pb.ResumePoint())], "RESUME_LATE"),
        ([Request(config=config("wav"))] + 2 * [Request(config=config("wav"), resume=pb.ResumePoint())], "RESUME_LATE"),
    ],
)
def test_resume_belongs_to_the_first_message(sent: list[Request], reason: str) -> None:
    with pytest.raises(OutOfOrder) as caught:
        resumed(iter(sent))
    assert caught.value.reason == reason


def test_resumed_stream_is_announced_in_log_and_metric() -> None:
    metrics = Metrics()
    whole = run(requests("mp3"))
    good, bad = (point(whole.live, offset, whole.started.serial) for offset in (5000, 5000))
    bad.sha256 = HASH
    with ServerProcess(metrics.flag) as server, channel_to(server) as channel:
        for resume in (good, pb.ResumePoint(), None):
            first, *rest = requests("mp3", resume)
            stream = Stream(channel, first)
            for request in rest:
                stream.send(request)
            assert stream.finish() == whole.totals
        first, *rest = requests("mp3", bad)
        stream = Stream(channel, first)
        for request in rest:
            stream.send(request)
        error: Error = stream.error()
        assert (error.code, error.info.reason) == (grpc.StatusCode.ABORTED, "RESUME_MISMATCH")
        assert metrics.value("audiowriter_resumed_streams_total", "mp3") == 3
        server.signal()
        assert server.wait() == 0
        seen = [(line.get("resumed"), line.get("resume_offset"), line["code"]) for line in server.calls()]
    assert seen == [(True, 5000, "OK"), (True, 0, "OK"), (None, None, "OK"), (True, 5000, "ABORTED")]


@pytest.mark.parametrize("name", ["opus", "webm", "fmp4"])
def test_header_with_late_tags_fits_the_file_of_a_listener_from_another_cpu(name: str) -> None:
    wanted, pcm = config(name), real_speech().tobytes()
    wanted.output.metadata_bytes = 500
    late = Request(metadata=pb.Metadata(tags=[pb.Tag(name="title", value="a late title")]))
    first, second = Request(pcm=pcm[:100_001]), Request(pcm=pcm[100_001:])
    whole = run(iter([Request(config=wanted), first, late, second]))
    chunk = whole.chunks[-1]
    heard = whole.live[: chunk.offset + len(chunk.data)]
    resume = point(heard, len(heard), whole.started.serial)
    resume.output_samples, resume.crc32c = chunk.output_samples, google_crc32c.value(heard)
    resume.first_crc32c = google_crc32c.value(whole.chunks[0].data)
    with other_cpu():
        responses, sent = resumed(iter([Request(config=wanted, resume=resume), late, first, second]))
    finished = responses[-1].finished
    live = heard + sent
    file = finished.header + live[len(finished.header) :]
    assert finished.totals.sent_sha256_offset == len(heard)
    assert finished.totals.file_crc32c == google_crc32c.value(file)
    assert b"a late title" in file
    assert len(JUDGES[name](file)) == len(pcm) // 2
