"""The asyncio writer: a task reads the responses while the caller writes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio
from audiowriter.v1.audio_writer_pb2 import (
    EncodeStreamRequest,
    Marker,
    StreamConfig,
    StreamFlushed,
    StreamStarted,
    Totals,
)

from audiowriter_client.aio_status import CallStatus
from audiowriter_client.config import TagOptions, check_config
from audiowriter_client.connection import Metadata, check_arguments, connect_aio, service
from audiowriter_client.errors import StreamCancelled
from audiowriter_client.options import check_options
from audiowriter_client.pcm import Pcm
from audiowriter_client.requests import cut
from audiowriter_client.resume import RESUME_TIMEOUT_S, Retries
from audiowriter_client.retry import Deadline
from audiowriter_client.sink import AsyncDestination, open_sink
from audiowriter_client.spool import SPOOL_BYTES
from audiowriter_client.stream import Stream


class AsyncAudioWriter:
    """AudioWriter for asyncio: the same methods as coroutines, and the same errors.

    A path, a file and the temporary file of a long stream are written on the event loop, less than 1 MiB at a time.
    """

    def __init__(
        self,
        stream: Stream,
        target: str | grpc.aio.Channel,
        credentials: grpc.ChannelCredentials | None,
        metadata: Metadata,
        deadline: Deadline,
        resume_timeout: float,
    ) -> None:
        """Use `open`."""
        self._stream = stream
        self._deadline = deadline
        self._retries = Retries(stream, deadline, resume_timeout)
        self._changed = asyncio.Event()
        self._attempt = 0
        self._reader = asyncio.create_task(self._read(target, credentials, metadata))

    @classmethod
    def open(
        cls,
        target: str | grpc.aio.Channel,
        config: StreamConfig,
        sink: AsyncDestination,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        metadata: Metadata = (),
        timeout: float | None = None,
        resume_timeout: float = RESUME_TIMEOUT_S,
        spool_bytes: int = SPOOL_BYTES,
        buffer_seconds: float | None = None,
    ) -> Self:
        """As AudioWriter.open, with a grpc.aio.Channel for a channel. Needs a running event loop.

        A callable sink or the `write` of a Sink may be a coroutine function; while it runs, no further response is read.
        """
        check_arguments(target, grpc.aio.Channel, credentials, metadata)
        check_config(config)
        check_options(resume_timeout, spool_bytes, buffer_seconds)
        deadline = Deadline(timeout)
        stream = Stream(config, open_sink(sink), spool_bytes if resume_timeout else 0, buffer_seconds)
        return cls(stream, target, credentials, metadata, deadline, resume_timeout)

    async def write(self, pcm: Pcm, *, position: int | None = None, channel: int = 0) -> None:
        """As AudioWriter.write."""
        self._stream.check_open()
        if channel or position is not None:
            self._stream.layout.check_place(position, channel)
        for piece, at in cut(self._stream.layout.to_bytes(pcm, channel), position):
            await self._until(lambda: self._stream.can_write)
            self._stream.put(piece, at, channel)
            if self._stream.can_send:
                self._notify()

    async def flush(self) -> StreamFlushed:
        """As AudioWriter.flush."""
        number = self._stream.put_flush()
        self._notify()
        await self._wait_for(lambda: self._stream.flush_answers >= number)
        return self._stream.flushed

    async def describe(self, tags: TagOptions = (), markers: Iterable[Marker] = ()) -> None:
        """As AudioWriter.describe."""
        self._stream.describe(tags, markers)
        self._notify()

    @property
    def started(self) -> Coroutine[Any, Any, StreamStarted]:
        """Wait for the output config as the server resolved it, with every default filled in."""
        return self._started()

    async def _started(self) -> StreamStarted:
        await self._wait_for(lambda: self._stream.started is not None)
        assert self._stream.started is not None
        return self._stream.started

    @property
    def bytes_received(self) -> int:
        """Number of bytes of the file received so far."""
        return self._stream.bytes_received

    @property
    def result(self) -> Totals:
        """Totals of the finished file. Raises ValueError before close()."""
        return self._stream.result

    def markers_webvtt(self) -> str:
        """As AudioWriter.markers_webvtt."""
        return self._stream.markers_webvtt()

    @property
    def header(self) -> bytes:
        """The final header, which replaces the first len(header) bytes of the file; may be empty.

        Only a callable that receives the live bytes needs it: other destinations have it in place. Raises the same errors
        as `result`.
        """
        return self._stream.header

    async def close(self) -> None:
        """As AudioWriter.close."""
        self._stream.requests.end()
        self._notify()
        await asyncio.wait([self._reader])
        self._stream.check()

    async def cancel(self) -> None:
        """As AudioWriter.cancel."""
        self.cancel_soon()
        await asyncio.wait([self._reader])
        self._stream.fail(StreamCancelled())  # a task that is cancelled before its first step never runs

    def cancel_soon(self) -> None:
        """As AudioWriter.cancel_soon."""
        self._reader.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            await self.close()
        else:
            await self.cancel()

    async def _wait_for(self, happened: Callable[[], bool]) -> None:
        await self._until(lambda: self._stream.ended or happened())
        self._stream.check()

    async def _until(self, happened: Callable[[], bool]) -> None:
        while not happened():
            await self._changed.wait()

    def _notify(self) -> None:
        # Wakes all waiters. The event is cleared at once, so that later calls of `wait` block again.
        self._changed.set()
        self._changed.clear()

    async def _requests(self, attempt: int) -> AsyncIterator[EncodeStreamRequest]:
        while True:
            await self._until(lambda: attempt != self._attempt or self._stream.can_send)
            if attempt != self._attempt or self._stream.ended or not self._stream.requests.ready:
                return
            request = self._stream.requests.take()
            self._notify()
            yield request

    async def _read(
        self, target: str | grpc.aio.Channel, credentials: grpc.ChannelCredentials | None, metadata: Metadata
    ) -> None:
        try:
            async with connect_aio(target, credentials) as channel:
                while True:
                    try:
                        await self._receive_all(channel, metadata)
                        break
                    except grpc.aio.AioRpcError as error:
                        if self._retries.is_complete(error):
                            break
                        if (wait_s := self._retries.wait_s(error)) is None:
                            raise
                    await asyncio.sleep(wait_s)
                    self._attempt += 1
                    self._stream.begin_again()
                    self._notify()  # ends the requests of the previous attempt
            await self._complete()
        except (Exception, asyncio.CancelledError) as error:
            self._stream.fail(error)
        finally:
            self._stream.requests.spool.close()
            self._notify()

    async def _complete(self) -> None:
        """Complete the file in a thread, because syncing it blocks. A cancellation waits until the file is complete."""
        completed = asyncio.ensure_future(asyncio.to_thread(self._stream.complete))
        try:
            await asyncio.shield(completed)
        except asyncio.CancelledError:
            await asyncio.wait([completed])
            raise

    async def _receive_all(self, channel: grpc.aio.Channel, metadata: Metadata) -> None:
        requests = self._requests(self._attempt)
        call = service(channel).EncodeStream(requests, metadata=metadata, timeout=self._deadline.left_s)
        status = CallStatus(call)
        try:
            async for response in call:
                held = self._stream.receive(response)
                if held is not None:
                    await held
                self._notify()
        except grpc.aio.AioRpcError as error:
            raise await status.behind(error) from error
        finally:
            call.cancel()
