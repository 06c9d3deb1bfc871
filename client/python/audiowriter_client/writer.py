"""The sync writer: a thread reads the responses while the caller writes."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import grpc
from audiowriter.v1.audio_writer_pb2 import (
    EncodeStreamRequest,
    Marker,
    StreamConfig,
    StreamFlushed,
    StreamStarted,
    Totals,
)

from audiowriter_client.config import TagOptions, check_config
from audiowriter_client.connection import Metadata, check_arguments, connect, service
from audiowriter_client.errors import StreamCancelled
from audiowriter_client.options import check_options
from audiowriter_client.pcm import Pcm
from audiowriter_client.requests import cut
from audiowriter_client.resume import RESUME_TIMEOUT_S, Retries
from audiowriter_client.retry import Deadline
from audiowriter_client.sink import Destination, open_sink
from audiowriter_client.spool import SPOOL_BYTES
from audiowriter_client.stream import Stream


class AudioWriter:
    """A file that the service encodes while its PCM is being written.

    Use it as a context manager: leaving it normally closes the stream and completes the file, leaving it by an
    exception cancels the stream. A file given by its path is created when the stream is closed; otherwise no file is
    left.

    Every method raises the error that the stream failed with: an AudioWriterError, or the sink's exception. The
    methods may be called from several threads; PCM from concurrent write() calls is interleaved in no particular order.
    """

    def __init__(
        self,
        stream: Stream,
        channel: grpc.Channel,
        metadata: Metadata,
        deadline: Deadline,
        resume_timeout: float,
        resources: ExitStack,
    ) -> None:
        """Use `open`."""
        self._stream = stream
        self._changed = threading.Condition()
        self._service = service(channel)
        self._metadata = metadata
        self._deadline = deadline
        self._retries = Retries(stream, deadline, resume_timeout)
        self._attempt = 0
        self._cancelled = False
        self._call = self._start_call()
        self._reader = threading.Thread(target=self._read, name="audiowriter-reader", daemon=True)
        resources.callback(self.cancel_soon)
        self._reader.start()
        self._resources = resources.pop_all()

    @classmethod
    def open(
        cls,
        target: str | grpc.Channel,
        config: StreamConfig,
        sink: Destination,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        metadata: Metadata = (),
        timeout: float | None = None,
        resume_timeout: float = RESUME_TIMEOUT_S,
        spool_bytes: int = SPOOL_BYTES,
        buffer_seconds: float | None = None,
    ) -> Self:
        """Start a stream.

        `target` is "host:port", "host" (port 50051), several servers as "host:port,host:port" (with `credentials` all of
        them are verified by the first one's name), another gRPC name ("unix:/path", "dns:///name:port") or a channel.
        `sink` is a path, a binary file (its header is replaced at the end if it can seek, otherwise it receives the live
        bytes), a callable that receives the live bytes on the reader's thread, or a Sink. `credentials` enable TLS;
        `metadata` is sent with the call.

        All addresses of `target` are used in turn. If a stream fails with UNAVAILABLE before a server has accepted it,
        because that server is full, draining or down, it is sent to the next one. After ten attempts, about 1.6 s, the
        error is raised. PCM is sent only after a server has accepted the stream.

        A stream survives the loss of its server. The PCM that was sent is kept, up to `spool_bytes`: 4 MiB of it in memory,
        the rest in a temporary file. If the call ends with UNAVAILABLE, or the connection or the stream is reset, the stream
        is sent again from its start to any server, for up to `resume_timeout` seconds. Meanwhile write() only blocks. A path
        and a file that can seek are written again from their start. Other sinks get the bytes that follow those that they
        have. If the new server encodes the audio to other bytes, Opus and AAC go on with its packets (but not in M4A); in
        other formats CallFailed with the reason RESUME_MISMATCH is raised. Errors have `bytes_received` and `input_samples`:
        how far the listener got. If `resume_timeout` or `spool_bytes` is 0, or more PCM was sent than `spool_bytes`, the
        loss of the server is raised as ServiceUnavailable.

        PCM is gathered until there are `buffer_seconds` of it, at most 256 KiB; flush() and close() send the rest. Long
        messages cost the server much less than frames of 20 ms. Default: 1 s for a path and for a file that can seek,
        because nobody listens to them meanwhile. Other sinks get their bytes at once.

        `timeout` limits the whole stream, in seconds from this call on: the connection, all attempts, the time that the
        caller takes to write, and close(). When it expires, the file is discarded and DeadlineExceeded is raised. A sink
        that blocks is not interrupted. By default, there is no limit.

        Does not wait for the server: if it refuses the stream, the error is raised by a later method. Only the names of
        several servers are resolved first. Raises OSError if a path cannot be written, ValueError for a server in a
        list that is not host:port, and TypeError for an argument of a wrong type.
        """
        check_arguments(target, grpc.Channel, credentials, metadata)
        check_config(config)
        check_options(resume_timeout, spool_bytes, buffer_seconds)
        deadline = Deadline(timeout)
        with ExitStack() as resources:
            channel = resources.enter_context(connect(target, credentials))
            stream = Stream(config, open_sink(sink), spool_bytes if resume_timeout else 0, buffer_seconds)
            # If a signal arrives before the writer owns the call and the sink, nothing would close them.
            resources.callback(stream.fail, StreamCancelled())
            return cls(stream, channel, metadata, deadline, resume_timeout, resources)

    def write(self, pcm: Pcm, *, position: int | None = None, channel: int = 0) -> None:
        """Send PCM: bytes cut anywhere, or an array of shape (n,) for one channel or (n, channels).

        `position` is that of the first sample, in samples per channel since the start of the stream; by default, the PCM
        follows the write before, of the same channel. `channel`: 1 to channels if `pcm` has this channel only, and 0 if it
        has all of them, interleaved. Both are those of EncodeStreamRequest, and need max_gap_ms, max_skew_ms or
        max_jitter_ms in the config.

        Blocks while the server or the sink is behind, and while the stream is sent again to another server. Raises TypeError
        or ValueError for an array that does not match the config's sample format and channels, ValueError after close().
        """
        self._stream.check_open()
        if channel or position is not None:
            self._stream.layout.check_place(position, channel)
        for piece, at in cut(self._stream.layout.to_bytes(pcm, channel), position):
            with self._changed:
                self._changed.wait_for(lambda: self._stream.can_write)
                self._stream.put(piece, at, channel)
                if self._stream.can_send:
                    self._changed.notify_all()

    def flush(self) -> StreamFlushed:
        """Make the server send all that can be encoded so far, wait for it, and return the current totals."""
        with self._changed:
            number = self._stream.put_flush()
            self._changed.notify_all()
            self._wait_for(lambda: self._stream.flush_answers >= number)
            return self._stream.flushed

    def describe(self, tags: TagOptions = (), markers: Iterable[Marker] = ()) -> None:
        """Add tags to the file, or replace those of the same names, and add markers, which become chapters.

        An empty value removes a tag. Allowed at any time before close(), for markers also before their audio. The config
        must reserve room: see `metadata_bytes` of stream_config; a marker takes about 100 bytes. Does not wait for the
        server. What does not fit, or the format does not have, ends the stream: a later method raises InvalidArgument, which
        names the tag or marker and the bytes that are left. Raises TypeError and ValueError as stream_config does.
        """
        with self._changed:
            self._stream.describe(tags, markers)
            self._changed.notify_all()

    @property
    def started(self) -> StreamStarted:
        """The output config as the server resolved it, with every default filled in. Blocks until it is known."""
        with self._changed:
            self._wait_for(lambda: self._stream.started is not None)
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
        """Return the markers as a WebVTT file. Raises the same errors as `result`."""
        return self._stream.markers_webvtt()

    @property
    def header(self) -> bytes:
        """The final header, which replaces the first len(header) bytes of the file; may be empty.

        Only a callable that receives the live bytes needs it: other destinations have it in place. Raises the same errors
        as `result`.
        """
        return self._stream.header

    def close(self) -> None:
        """End the PCM and wait until the file is complete. Closing twice has no effect."""
        with self._changed:
            self._stream.requests.end()
            self._changed.notify_all()
        self._reader.join()
        self._release()
        self._stream.check()

    def cancel(self) -> None:
        """Cancel the stream and discard the unfinished file. Does nothing after the end of the stream."""
        self.cancel_soon()
        self._reader.join()
        self._release()

    def cancel_soon(self) -> None:
        """Cancel the stream like cancel(), without waiting for its end."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()
            call = self._call
        call.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.cancel()

    def _release(self) -> None:
        with self._changed:
            resources = self._resources.pop_all()  # only once, although close() and cancel() may run concurrently
        resources.close()

    def _wait_for(self, happened: Callable[[], bool]) -> None:
        self._changed.wait_for(lambda: self._stream.ended or happened())
        self._stream.check()

    def _start_call(self) -> Any:
        requests = self._requests(self._attempt)
        return self._service.EncodeStream(requests, metadata=self._metadata, timeout=self._deadline.left_s)

    def _requests(self, attempt: int) -> Iterator[EncodeStreamRequest]:
        # gRPC iterates over these on its own thread, and takes the next one when the previous one has passed flow control.
        while True:
            with self._changed:
                self._changed.wait_for(lambda: attempt != self._attempt or self._stream.can_send)
                if attempt != self._attempt or self._stream.ended or not self._stream.requests.ready:
                    return
                request = self._stream.requests.take()
                self._changed.notify_all()
            yield request

    def _read(self) -> None:
        try:
            while True:
                try:
                    self._receive_all()
                    break
                except grpc.RpcError as error:
                    if self._retries.is_complete(error):
                        break
                    if self._cancelled or (wait_s := self._retries.wait_s(error)) is None:
                        raise
                self._begin_again(wait_s)
            self._stream.complete()
        except Exception as error:
            self._stream.fail(error)
        finally:
            self._call.cancel()
            with self._changed:  # the requests of the call may be using the spool
                self._stream.requests.spool.close()
                self._changed.notify_all()

    def _receive_all(self) -> None:
        for response in self._call:
            if self._stream.receive(response) is not None:
                raise TypeError("the sink returned an awaitable: only AsyncAudioWriter can await it")
            with self._changed:
                self._changed.notify_all()

    def _begin_again(self, wait_s: float) -> None:
        with self._changed:
            if self._changed.wait_for(lambda: self._cancelled, wait_s):
                raise StreamCancelled()
            self._attempt += 1
            self._stream.begin_again()
            self._call = self._start_call()
            self._changed.notify_all()  # ends the requests of the previous attempt
