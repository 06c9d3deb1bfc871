"""One EncodeStream call without its waiting: what to send, what came, where it goes, and how it ended."""

import asyncio
import hashlib
from collections.abc import Awaitable
from typing import cast

import grpc
from audiowriter.v1.audio_writer_pb2 import (
    EncodeStreamResponse,
    StreamConfig,
    StreamFinished,
    StreamFlushed,
    StreamStarted,
)

from audiowriter_client.errors import StreamCancelled, TruncatedStream, call_failed
from audiowriter_client.pcm import PcmLayout
from audiowriter_client.requests import RequestQueue
from audiowriter_client.sink import Sink


class Stream:
    """What the sync and the asyncio writer share: all but the waiting.

    The writing side looks at `can_write`, `can_send`, `started`, `flush_answers` and `ended` to know how long to wait;
    the reading side calls receive() for each response and then complete() or fail(), once.
    """

    def __init__(self, config: StreamConfig, sink: Sink) -> None:
        self.layout = PcmLayout(config.input)
        self.requests = RequestQueue(config)
        self.started: StreamStarted | None = None
        self.flushed = StreamFlushed()
        self.flush_answers = 0
        self.bytes_received = 0
        self.ended = False
        self._flushes = 0
        self._sink = sink
        self._sha256 = hashlib.sha256()
        self._finished: StreamFinished | None = None
        self._error: BaseException | None = None

    @property
    def can_write(self) -> bool:
        """Whether there is room for a piece. After the end, too: then put() says what happened."""
        return self.ended or not self.requests.full

    @property
    def can_send(self) -> bool:
        """Whether there is a request to send, or will never be one.

        Nothing but the config is sent before the server has taken the stream. So whatever sends a refused call again, be it
        this client, a proxy or gRPC with the settings of a caller's own channel, has no PCM that it could lose.
        """
        if self.ended or not self.requests.config_taken:
            return True
        return self.started is not None and (self.requests.ready or self.requests.ended)

    def may_begin_again(self, error: grpc.RpcError) -> bool:
        """Whether the call failed before a server took the stream, and another server may take it."""
        return self.started is None and cast("grpc.Call", error).code() is grpc.StatusCode.UNAVAILABLE

    def put(self, piece: memoryview) -> None:
        """Queue a piece of PCM."""
        self.check_open()
        self.requests.put(piece)

    def put_flush(self) -> int:
        """Queue a flush and return its number: it is answered when `flush_answers` has come that far."""
        self.check_open()
        self.requests.put_flush()
        self._flushes += 1
        return self._flushes

    def check_open(self) -> None:
        """Raise what the stream failed with, or ValueError if it was closed."""
        self.check()
        if self.requests.ended:
            raise ValueError("the writer is closed")

    def check(self) -> None:
        """Raise what the stream failed with."""
        if self._error is not None:
            raise self._error

    @property
    def result(self) -> StreamFinished:
        """The last event. Raises what the stream failed with, ValueError before its end."""
        self.check()
        if not self.ended or self._finished is None:
            raise ValueError("there is no result before close()")
        return self._finished

    def receive(self, response: EncodeStreamResponse) -> Awaitable[None] | None:
        """Take one response. An awaitable, from an asyncio sink, is to be awaited before the next."""
        match response.WhichOneof("event"):
            case "started":
                self.started = response.started
            case "chunk":
                if response.chunk.offset != self.bytes_received:
                    raise TruncatedStream(f"a chunk for byte {response.chunk.offset} came at {self.bytes_received}")
                return self._append(response.chunk.data)
            case "flushed":
                self.flushed = response.flushed
                self.flush_answers += 1
            case "finished":
                self._finished = response.finished
                return self._append(response.finished.trailer)
        return None

    def _append(self, data: bytes) -> Awaitable[None] | None:
        self.bytes_received += len(data)
        self._sha256.update(data)
        return self._sink.write(data) if data else None

    def complete(self) -> None:
        """The call ended with OK: check that the file is whole and complete it. Raises TruncatedStream or OSError."""
        finished = self._finished
        if finished is None:
            raise TruncatedStream("the server ended the stream without `finished`")
        if not self.requests.ended:
            raise TruncatedStream("the server finished before the end of the PCM")
        check_file(finished, self.bytes_received, self._sha256.digest())
        self._sink.finish(finished.header)
        self.ended = True

    def fail(self, error: BaseException) -> None:
        """The call failed, was cancelled, or its responses can't be taken: give the file up. No-op after the end."""
        if self.ended:
            return
        match error:
            case grpc.RpcError():
                self._error = call_failed(error)
            case asyncio.CancelledError():
                self._error = StreamCancelled()
            case _:
                self._error = error
        try:
            self._sink.discard()
        finally:
            self.ended = True


def check_file(finished: StreamFinished, length: int, sha256: bytes) -> None:
    """Raise TruncatedStream where the bytes that came are not those of `finished`."""
    if length != finished.total_bytes:
        raise TruncatedStream(f"{length} bytes came: the file has {finished.total_bytes}")
    if sha256 != finished.sha256:
        raise TruncatedStream("the SHA-256 of the bytes that came is not the server's")
    if len(finished.header) > length:
        raise TruncatedStream(f"the header has {len(finished.header)} bytes: the file has {length}")
