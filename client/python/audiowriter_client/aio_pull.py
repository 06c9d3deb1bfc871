"""The pull API for asyncio."""

import asyncio
import weakref
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

import grpc
import grpc.aio
from audiowriter.v1.audio_writer_pb2 import StreamConfig, StreamStarted, Totals

from audiowriter_client.aio import AsyncAudioWriter
from audiowriter_client.connection import Metadata
from audiowriter_client.errors import StreamCancelled
from audiowriter_client.pcm import Pcm
from audiowriter_client.pull import BUFFER_BYTES, check_blocks, close
from audiowriter_client.resume import RESUME_TIMEOUT_S
from audiowriter_client.spool import SPOOL_BYTES


def async_encode_iter(
    target: str | grpc.aio.Channel,
    config: StreamConfig,
    pcm: AsyncIterable[Pcm] | Iterable[Pcm],
    *,
    credentials: grpc.ChannelCredentials | None = None,
    metadata: Metadata = (),
    timeout: float | None = None,
    resume_timeout: float = RESUME_TIMEOUT_S,
    spool_bytes: int = SPOOL_BYTES,
) -> "AsyncFileIterator":
    """Like encode_iter(), for asyncio. Needs a running event loop.

    `pcm` is iterated by a task. If it is not asynchronous, it must not block.
    """
    if not isinstance(check_blocks(pcm), AsyncIterable | Iterable):
        raise TypeError(f"pcm: expected an iterable of blocks, not {type(pcm).__name__}")
    buffer = _Buffer()
    writer = AsyncAudioWriter.open(
        target,
        config,
        buffer,
        credentials=credentials,
        metadata=metadata,
        timeout=timeout,
        resume_timeout=resume_timeout,
        spool_bytes=spool_bytes,
    )
    return AsyncFileIterator(writer, buffer, pcm)


class AsyncFileIterator(AsyncIterator[bytes]):
    """FileIterator for asyncio: `started` and aclose() are awaited. Cancelling its consumer cancels the call."""

    def __init__(self, writer: AsyncAudioWriter, buffer: "_Buffer", pcm: AsyncIterable[Pcm] | Iterable[Pcm]) -> None:
        """Use `async_encode_iter`."""
        self._writer = writer
        self._buffer = buffer
        self._errors: list[BaseException] = []
        self._closed = False
        self._feeder = asyncio.create_task(_feed(writer, pcm, self._errors))
        # Neither the task nor the finalizer refers to this object, so that it is freed when the consumer drops it.
        weakref.finalize(self, _abandon_soon, asyncio.get_running_loop(), writer, self._feeder)

    async def __anext__(self) -> bytes:
        """Return the bytes that have arrived, and wait until there are some."""
        if self._closed:
            raise StopAsyncIteration
        try:
            data = await self._buffer.take()
        except asyncio.CancelledError:
            self._closed = True
            _abandon(self._writer, self._feeder)
            raise
        if data:
            return data
        self._closed = True
        self._raise_error_of_pcm()
        try:
            await self._writer.close()
        finally:
            self._feeder.cancel()  # it may wait for PCM although the stream has failed
            await asyncio.wait([self._feeder])
        raise StopAsyncIteration

    @property
    async def started(self) -> StreamStarted:
        """As FileIterator.started."""
        try:
            return await self._writer.started
        except StreamCancelled:
            self._raise_error_of_pcm()
            raise

    @property
    def result(self) -> Totals:
        """As FileIterator.result."""
        return self._writer.result

    @property
    def header(self) -> bytes:
        """As FileIterator.header."""
        return self._writer.header

    async def aclose(self) -> None:
        """Cancel the call and `pcm`, and wait for their end. Does nothing after the end."""
        self._closed = True
        _abandon(self._writer, self._feeder)
        await self._writer.cancel()
        await asyncio.wait([self._feeder])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _raise_error_of_pcm(self) -> None:
        if self._errors and not isinstance(self._errors[0], asyncio.CancelledError):
            raise self._errors[0]


class _Buffer:
    """A sink whose bytes another task takes. The reader waits while it is full."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._ended = False

    async def write(self, data: bytes) -> None:
        """Append `data` when there is room."""
        while self._waiting_bytes >= BUFFER_BYTES:
            await self._changed.wait()
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        self._notify()

    def finish(self, header: bytes) -> None:
        """Mark the end. The writer has the header."""
        self.discard()

    def discard(self) -> None:
        """Mark the end."""
        self._ended = True
        self._notify()

    async def take(self) -> bytes:
        """Wait for bytes, and return all that are waiting: none at the end."""
        while not self._waiting and not self._ended:
            await self._changed.wait()
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        self._notify()
        return data

    def _notify(self) -> None:
        self._changed.set()
        self._changed.clear()


async def _feed(writer: AsyncAudioWriter, pcm: AsyncIterable[Pcm] | Iterable[Pcm], errors: list[BaseException]) -> None:
    try:
        if isinstance(pcm, AsyncIterable):
            async for block in pcm:
                await writer.write(block)
        else:
            for block in pcm:
                await writer.write(block)
        await writer.close()
    except BaseException as error:
        errors.append(error)
        writer.cancel_soon()
    finally:
        close(pcm)
        if isinstance(pcm, AsyncGenerator):
            with suppress(Exception):
                await pcm.aclose()


def _abandon(writer: AsyncAudioWriter, feeder: "asyncio.Task[None]") -> None:
    feeder.cancel()
    writer.cancel_soon()


def _abandon_soon(loop: asyncio.AbstractEventLoop, writer: AsyncAudioWriter, feeder: "asyncio.Task[None]") -> None:
    # The garbage collector may call this on any thread, or after the end of the loop.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(_abandon, writer, feeder)
