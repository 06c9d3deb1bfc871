"""Checks on whether a stream is complete."""

import hashlib
import io
from pathlib import Path

import google_crc32c
import pytest
from audiowriter.v1.audio_writer_pb2 import (
    AudioOutput,
    EncodedChunk,
    EncodeStreamResponse,
    StreamFinished,
    StreamFlushed,
    StreamStarted,
    Totals,
)
from audiowriter_client import TruncatedStream, stream_config
from audiowriter_client.sink import Destination, open_sink
from audiowriter_client.stream import Stream

STARTED = EncodeStreamResponse(started=StreamStarted(output=AudioOutput(sample_rate_hz=8000)))
CHUNKS = [
    EncodeStreamResponse(chunk=EncodedChunk(data=b"headbo", offset=0)),
    EncodeStreamResponse(chunk=EncodedChunk(data=b"dy", offset=6)),
]
FINISHED = StreamFinished(
    header=b"HE",
    trailer=b"tail",
    totals=Totals(
        file_bytes=12,
        sent_sha256=hashlib.sha256(b"headbodytail").digest(),
        file_crc32c=google_crc32c.value(b"HEadbodytail"),
    ),
)


def run(destination: Destination, *responses: EncodeStreamResponse, half_close: bool = True) -> Stream:
    """Play responses as a writer's reader does, and end the call with OK."""
    stream = Stream(stream_config(format="wav", sample_rate_hz=8000), open_sink(destination))
    if half_close:
        stream.requests.end()
    try:
        for response in responses:
            stream.receive(response)
        stream.complete()
    except Exception as error:
        stream.fail(error)
    return stream


def finished(**changed: object) -> EncodeStreamResponse:
    event = StreamFinished()
    event.CopyFrom(FINISHED)
    for name, value in changed.items():
        setattr(event if name in ("header", "trailer") else event.totals, name, value)
    return EncodeStreamResponse(finished=event)


def test_complete_stream_is_header_body_trailer() -> None:
    file = io.BytesIO()
    stream = run(file, STARTED, *CHUNKS, finished())
    assert stream.result == FINISHED.totals
    assert stream.started == STARTED.started
    assert file.getvalue() == b"HEadbodytail"


def test_unknown_event_of_a_newer_server_is_ignored() -> None:
    assert run(io.BytesIO(), STARTED, EncodeStreamResponse(), *CHUNKS, finished()).result == FINISHED.totals


@pytest.mark.parametrize(
    ("responses", "message"),
    [
        ([], "without `finished`"),
        ([STARTED, *CHUNKS], "without `finished`"),
        ([STARTED, CHUNKS[0], finished()], "received 10 bytes, expected 12"),
        ([STARTED, CHUNKS[1], finished()], "received a chunk at offset 6, expected 0"),
        ([STARTED, *CHUNKS, CHUNKS[1], finished()], "received a chunk at offset 6, expected 8"),
        ([STARTED, *CHUNKS, finished(file_bytes=13)], "received 12 bytes, expected 13"),
        ([STARTED, *CHUNKS, finished(trailer=b"tall")], "SHA-256"),
        ([STARTED, *CHUNKS, finished(sent_sha256=b"")], "SHA-256"),
        ([STARTED, *CHUNKS, finished(header=bytes(7))], "header has 7 bytes, but the first chunk has 6"),
        ([STARTED, *CHUNKS, finished(header=b"HA")], "CRC-32C"),
        ([STARTED, *CHUNKS, finished(file_crc32c=1)], "CRC-32C"),
    ],
)
def test_incomplete_stream_leaves_no_file(tmp_path: Path, responses: list[EncodeStreamResponse], message: str) -> None:
    stream = run(tmp_path / "a.wav", *responses)
    with pytest.raises(TruncatedStream, match=message):
        _ = stream.result
    assert list(tmp_path.iterdir()) == []


def test_finished_before_half_close_is_an_error() -> None:
    stream = run(io.BytesIO(), STARTED, *CHUNKS, finished(), half_close=False)
    with pytest.raises(TruncatedStream, match="before the end of the PCM"):
        stream.put(memoryview(b"more"))


def test_result_before_the_end_is_an_error() -> None:
    stream = Stream(stream_config(format="wav", sample_rate_hz=8000), open_sink(io.BytesIO()))
    stream.receive(finished())
    with pytest.raises(ValueError, match="before close"):
        _ = stream.result


def test_only_the_config_is_sent_before_a_server_has_accepted_the_stream() -> None:
    stream = Stream(stream_config(format="wav", sample_rate_hz=8000), open_sink(io.BytesIO()))
    stream.put(memoryview(b"ab"))
    can_send = [stream.can_send]
    stream.requests.take()
    can_send.append(stream.can_send)
    stream.requests.end()
    can_send.append(stream.can_send)
    stream.receive(STARTED)
    can_send.append(stream.can_send)
    assert can_send == [True, False, False, True]


def test_flushes_are_answered_in_order() -> None:
    stream = Stream(stream_config(format="wav", sample_rate_hz=8000), open_sink(io.BytesIO()))
    assert [stream.put_flush(), stream.put_flush()] == [1, 2]
    assert stream.flush_answers == 0
    stream.receive(EncodeStreamResponse(flushed=StreamFlushed(offset=7)))
    assert (stream.flush_answers, stream.flushed.offset) == (1, 7)


def test_error_of_the_sink_is_raised_unchanged() -> None:
    def full(data: bytes) -> None:
        raise OSError(28, "No space left on device")

    stream = run(full, STARTED, *CHUNKS, finished())
    with pytest.raises(OSError, match="No space left"):
        stream.check()
