"""The pull API: an iterable of PCM in, an iterator of the file's bytes out."""

import threading
import weakref
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np
from audiowriter.v1.audio_writer_pb2 import StreamConfig, StreamStarted, Totals

from audiowriter_client.connection import Metadata
from audiowriter_client.errors import StreamCancelled
from audiowriter_client.pcm import Pcm
from audiowriter_client.resume import RESUME_TIMEOUT_S
from audiowriter_client.spool import SPOOL_BYTES
from audiowriter_client.writer import AudioWriter

BUFFER_BYTES = 256 * 1024
"""Bytes of the file that may wait for the consumer, besides the one chunk that exceeds it."""


def encode_iter(
    target: str | grpc.Channel,
    config: StreamConfig,
    pcm: Iterable[Pcm],
    *,
    credentials: grpc.ChannelCredentials | None = None,
    metadata: Metadata = (),
    timeout: float | None = None,
    resume_timeout: float = RESUME_TIMEOUT_S,
    spool_bytes: int = SPOOL_BYTES,
) -> "FileIterator":
    """Encode the blocks of an iterable, and return an iterator over the bytes of the file.

    `pcm` yields blocks as for AudioWriter.write; the other arguments are as for AudioWriter.open. The stream starts at
    once. `pcm` is iterated on another thread, so that bytes come as soon as they exist, and only as far ahead as the
    buffers hold: if the consumer is slow, `pcm` is read slowly. An exception of `pcm` cancels the call and is raised by
    the iterator unchanged, as are the errors of AudioWriter. If the server is lost, the iterator goes on with the next byte.

    WSGI servers close the iterator when the listener leaves. With ASGI, use async_encode_iter: Starlette drops other
    iterators without closing them, and the call is cancelled only when the garbage collector finds them.

    Raises TypeError if `pcm` is a single block: pass `[block]`.
    """
    if not isinstance(check_blocks(pcm), Iterable):
        raise TypeError(f"pcm: expected an iterable of blocks, not {type(pcm).__name__}")
    buffer = _Buffer()
    writer = AudioWriter.open(
        target,
        config,
        buffer,
        credentials=credentials,
        metadata=metadata,
        timeout=timeout,
        resume_timeout=resume_timeout,
        spool_bytes=spool_bytes,
    )
    return FileIterator(writer, buffer, pcm)


def check_blocks(pcm: object) -> object:
    """Return `pcm`. Raises TypeError if it is one block, whose items are no blocks."""
    if isinstance(pcm, bytes | bytearray | memoryview | np.ndarray | str):
        raise TypeError(f"pcm: expected an iterable of blocks, not {type(pcm).__name__}: for a single block pass [pcm]")
    return pcm


class FileIterator(Iterator[bytes]):
    """The bytes of a file while it is encoded: non-empty and in order.

    The last bytes are followed by StopIteration only if the file is complete and verified; otherwise an error is raised.
    The bytes can be played as they come. A stored file needs one correction at the end: replace its first
    len(header) bytes by `header`.

    close() cancels the call, as do leaving a `with` block and dropping the last reference.
    """

    def __init__(self, writer: AudioWriter, buffer: "_Buffer", pcm: Iterable[Pcm]) -> None:
        """Use `encode_iter`."""
        self._writer = writer
        self._buffer = buffer
        self._errors: list[BaseException] = []
        self._closed = False
        # Neither the thread nor the finalizer refers to this object, so that it is freed when the consumer drops it.
        weakref.finalize(self, _abandon, writer, buffer)
        arguments = (writer, pcm, self._errors)
        threading.Thread(target=_feed, args=arguments, name="audiowriter-feeder", daemon=True).start()

    def __next__(self) -> bytes:
        """Return the bytes that have arrived. Blocks until there are some."""
        if self._closed:
            raise StopIteration
        data = self._buffer.take()
        if data:
            return data
        self._closed = True
        self._raise_error_of_pcm()
        self._writer.close()
        raise StopIteration

    @property
    def started(self) -> StreamStarted:
        """The output config as the server resolved it, and the MIME type. Blocks until the server accepts the stream."""
        try:
            return self._writer.started
        except StreamCancelled:
            self._raise_error_of_pcm()
            raise

    @property
    def result(self) -> Totals:
        """Totals of the finished file. Raises ValueError before the iterator is exhausted."""
        return self._writer.result

    @property
    def header(self) -> bytes:
        """The bytes that replace the first ones of the file. Raises ValueError before the iterator is exhausted."""
        return self._writer.header

    def close(self) -> None:
        """Cancel the call. Does nothing after the end.

        A `pcm` that blocks is not interrupted: it is closed after its next block.
        """
        self._closed = True
        self._buffer.abandon()
        self._writer.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _raise_error_of_pcm(self) -> None:
        if self._errors:
            raise self._errors[0]


class _Buffer:
    """A sink whose bytes another thread takes. It blocks the reader while it is full."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._ended = False
        self._abandoned = False

    def write(self, data: bytes) -> None:
        """Append `data` when there is room."""
        with self._changed:
            self._changed.wait_for(lambda: self._abandoned or self._waiting_bytes < BUFFER_BYTES)
            if self._abandoned:
                raise StreamCancelled()
            self._waiting.append(data)
            self._waiting_bytes += len(data)
            self._changed.notify_all()

    def finish(self, header: bytes) -> None:
        """Mark the end. The writer has the header."""
        self.discard()

    def discard(self) -> None:
        """Mark the end."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def take(self) -> bytes:
        """Wait for bytes, and return all that are waiting: none at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended or self._abandoned)
            data = b"".join(self._waiting)
            self._waiting.clear()
            self._waiting_bytes = 0
            self._changed.notify_all()
            return data

    def abandon(self) -> None:
        """Accept and return no more bytes."""
        with self._changed:
            self._abandoned = True
            self._waiting.clear()
            self._changed.notify_all()


def _feed(writer: AudioWriter, pcm: Iterable[Pcm], errors: list[BaseException]) -> None:
    try:
        for block in pcm:
            writer.write(block)
        writer.close()
    except BaseException as error:
        errors.append(error)
        writer.cancel()
    finally:
        close(pcm)


def close(pcm: Any) -> None:
    """Close a generator, so that its cleanup does not wait for the garbage collector."""
    if isinstance(pcm, Generator):
        with suppress(Exception):
            pcm.close()


def _abandon(writer: AudioWriter, buffer: _Buffer) -> None:
    # The garbage collector may call this on any thread: it must not wait.
    buffer.abandon()
    writer.cancel_soon()
