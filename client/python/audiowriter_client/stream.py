"""State of one stream: what to send, what was received, where it is written, and how it ended."""

import asyncio
import time
from collections.abc import Awaitable, Iterable

import grpc
from audiowriter.v1.audio_writer_pb2 import (
    EncodeStreamResponse,
    Marker,
    StreamConfig,
    StreamFinished,
    StreamFlushed,
    StreamStarted,
    Totals,
)

from audiowriter_client.config import TagOptions, late_description
from audiowriter_client.errors import AudioWriterError, CallFailed, StreamCancelled, TruncatedStream, call_failed
from audiowriter_client.pcm import PcmLayout
from audiowriter_client.received import ReceivedBytes
from audiowriter_client.requests import BUFFER_SECONDS, MESSAGE_BYTES, RequestQueue
from audiowriter_client.sink import FileSink, Sink, is_live
from audiowriter_client.webvtt import webvtt


class Stream:
    """The part that the sync and the asyncio writer share: everything except waiting.

    The writing side checks `can_write`, `can_send`, `started`, `flush_answers` and `ended` to know how long to wait;
    the reading side calls receive() for each response and then complete() or fail(), once. If a call breaks, another one
    can follow: prepare_sink(), begin_again(), and then its responses.
    """

    def __init__(
        self, config: StreamConfig, sink: Sink, spool_bytes: int = 0, buffer_seconds: float | None = None
    ) -> None:
        """`spool_bytes`: how much PCM is kept, so that it can be sent again.

        `buffer_seconds`: how much PCM is gathered for a message. None: BUFFER_SECONDS, or nothing for a live sink.
        """
        self.layout = PcmLayout(config.input)
        if buffer_seconds is None:
            buffer_seconds = 0.0 if is_live(sink) else BUFFER_SECONDS
        buffer_bytes = buffer_seconds * config.input.sample_rate_hz * self.layout.frame_bytes
        sample_bytes = self.layout.frame_bytes // (config.input.channels or 1)
        self.requests = RequestQueue(config, spool_bytes, int(min(buffer_bytes, MESSAGE_BYTES)), sample_bytes)
        self._input_rate_hz = config.input.sample_rate_hz
        self.started: StreamStarted | None = None
        self.flushed = StreamFlushed()
        self.flush_answers = 0
        self.ended = False
        self.explanation = ""
        """Why a call that broke was not made again; a note of the error."""
        self._accepted_at: float | None = None  # of the current call
        self._answers = 0  # to flushes, of the current call
        self._input_samples = 0
        self._flushes = 0
        self._sink = sink
        self._received = ReceivedBytes()
        self._finished: StreamFinished | None = None
        self._error: BaseException | None = None

    @property
    def bytes_received(self) -> int:
        """Number of bytes of the file received so far."""
        return self._received.length

    @property
    def can_write(self) -> bool:
        """Whether there is room for a piece of PCM. Also true after the end: then put() raises the reason."""
        return self.ended or not self.requests.full

    @property
    def can_send(self) -> bool:
        """Whether there is a request to send, or there will never be one.

        Only the config is sent before a server has accepted the stream. So whatever sends a refused call again (this
        client, a proxy, or gRPC with the settings of a caller's own channel) has no PCM that it could lose.
        """
        if self.ended or not self.requests.config_taken:
            return True
        return self.is_accepted and (self.requests.ready or self.requests.ended)

    @property
    def is_accepted(self) -> bool:
        """Whether a server has accepted the current call."""
        return self._accepted_at is not None

    @property
    def accepted_s(self) -> float:
        """Seconds since a server has accepted the current call; 0 if none has."""
        return 0.0 if self._accepted_at is None else time.monotonic() - self._accepted_at

    @property
    def has_finished(self) -> bool:
        """Whether the last response has arrived."""
        return self._finished is not None

    def prepare_sink(self) -> bool:
        """Prepare the sink for the bytes of another call. Returns False if the stream cannot be sent again.

        A file is written again from its start, which works with any server. Another sink goes on where it is.
        """
        if not self.requests.spool.complete:
            self.explanation = "not resumed: the spool is off, or the PCM and the flushes have exceeded spool_bytes"
            return False
        if isinstance(self._sink, FileSink) and self._sink.restart():
            self._received = ReceivedBytes()
        if self.bytes_received and self.started is not None and not self.started.serial:
            self.explanation = "not resumed: the server is too old to go on in the middle of a file"
            return False
        return True

    def begin_again(self) -> None:
        """Start another call of the same stream."""
        resume = None
        if self.started is not None:
            resume = self._received.resume(self.started.serial)
        self._accepted_at, self._answers = None, 0
        self.requests.begin_again(resume)

    def put(self, piece: memoryview, position: int | None = None, channel: int = 0) -> None:
        """Queue a piece of PCM."""
        self.check_open()
        self.requests.put(piece, position, channel)

    def describe(self, tags: TagOptions, markers: Iterable[Marker]) -> None:
        """Queue tags that come after the config, and markers."""
        request = late_description(tags, markers)
        self.check_open()
        self.requests.describe(request)

    def markers_webvtt(self) -> str:
        """Return the markers as WebVTT. Raises the same errors as `result`."""
        return webvtt(self.requests.markers, self._input_rate_hz, self.result.input_samples)

    def put_flush(self) -> int:
        """Queue a flush and return its number: it is answered when `flush_answers` reaches this number."""
        self.check_open()
        self.requests.put_flush()
        self._flushes += 1
        return self._flushes

    def check_open(self) -> None:
        """Raise the error that the stream failed with, or ValueError if it was closed."""
        self.check()
        if self.requests.ended:
            raise ValueError("the writer is closed")

    def check(self) -> None:
        """Raise the error that the stream failed with."""
        if self._error is not None:
            raise self._error

    @property
    def result(self) -> Totals:
        """Totals of the finished file. Raises the error that the stream failed with, or ValueError before its end."""
        return self._end.totals

    @property
    def header(self) -> bytes:
        """The bytes that replace the first ones of the file. Raises the same errors as `result`."""
        return self._end.header

    @property
    def _end(self) -> StreamFinished:
        self.check()
        if not self.ended or self._finished is None:
            raise ValueError("there is no result before close()")
        return self._finished

    def receive(self, response: EncodeStreamResponse) -> Awaitable[None] | None:
        """Process one response. If it returns an awaitable, from an asyncio sink, await it before the next call."""
        match response.WhichOneof("event"):
            case "started":
                self._accept(response.started)
            case "chunk":
                data = self._received.add_chunk(response.chunk)
                self._input_samples = response.chunk.input_samples
                return self._sink.write(data) if data else None
            case "flushed":
                # A flush that is sent again is answered again.
                self._answers += 1
                if self._answers > self.flush_answers:
                    self.flushed = response.flushed
                    self.flush_answers = self._answers
            case "finished":
                self._finished = response.finished
                trailer = self._received.add(response.finished.trailer)
                return self._sink.write(trailer) if trailer else None
        return None

    def _accept(self, started: StreamStarted) -> None:
        resume = self.requests.resume
        if resume is not None and resume.offset and started.serial != resume.serial:
            text = "the server is too old to go on in the middle of a file"
            raise CallFailed(grpc.StatusCode.ABORTED, text, reason="RESUME_MISMATCH")
        if not self.bytes_received:
            self.started = started
        self._accepted_at = time.monotonic()

    def complete(self) -> None:
        """Complete the file after the call ended with OK. Raises TruncatedStream if it is incomplete, or OSError."""
        finished = self._finished
        if finished is None:
            raise TruncatedStream("the server ended the stream without `finished`")
        if not self.requests.ended:
            raise TruncatedStream("the server finished before the end of the PCM")
        self._received.check(finished)
        self._sink.finish(finished.header)
        self.ended = True

    def fail(self, error: BaseException) -> None:
        """Discard the file: the call failed or was cancelled, or the sink failed. Does nothing after the end."""
        if self.ended:
            return
        match error:
            case grpc.RpcError():
                self._error = call_failed(error)
            case asyncio.CancelledError():
                self._error = StreamCancelled()
            case _:
                self._error = error
        if isinstance(self._error, AudioWriterError):
            self._error.bytes_received, self._error.input_samples = self.bytes_received, self._input_samples
            if self.explanation:
                self._error.add_note(self.explanation)
        try:
            self._sink.discard()
        finally:
            self.ended = True
