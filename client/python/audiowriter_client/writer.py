"""The sync writer: a thread reads the responses while the caller writes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import grpc
from audiowriter.v1.audio_writer_pb2 import (
    EncodeStreamRequest,
    StreamConfig,
    StreamFinished,
    StreamFlushed,
    StreamStarted,
)

from audiowriter_client.connection import Metadata, connect, service
from audiowriter_client.errors import StreamCancelled
from audiowriter_client.pcm import Pcm
from audiowriter_client.requests import cut
from audiowriter_client.sink import Destination, open_sink
from audiowriter_client.stream import Stream


class AudioWriter:
    """A file that is encoded by the service while its PCM is written.

    Use it as a context manager: leaving it normally closes the stream and completes the file, leaving it by an
    exception cancels the stream. A file given by its path appears, whole, when the stream is closed, or not at all.

    Every method raises what the stream failed with: an AudioWriterError, or whatever the sink raised. The methods may
    be called from several threads; PCM from concurrent write() calls is mixed in no particular order.
    """

    def __init__(self, stream: Stream, channel: grpc.Channel, metadata: Metadata, resources: ExitStack) -> None:
        """Use `open`."""
        self._stream = stream
        self._changed = threading.Condition()
        self._call = service(channel).EncodeStream(self._requests(), metadata=metadata)
        self._reader = threading.Thread(target=self._read, name="audiowriter-reader", daemon=True)
        resources.callback(self._call.cancel)
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
    ) -> Self:
        """Start a stream.

        `target` is "host:port", "host" (port 50051), another gRPC name ("unix:/path", "dns:///name:port") or a channel.
        `sink` is a path, a binary file (the header is put in place if it can seek, else it gets the live bytes) or a
        callable that takes the live bytes, on the reader's thread. `credentials` make the connection TLS; `metadata`
        goes with the call.

        Does not wait for the server: what it refuses is raised by the first method that notices. Raises OSError where
        a path can't be written.
        """
        with ExitStack() as resources:
            channel = resources.enter_context(connect(target, credentials))
            stream = Stream(config, open_sink(sink))
            # Until the writer takes them over, a signal may still leave call and file to nobody.
            resources.callback(stream.fail, StreamCancelled())
            return cls(stream, channel, metadata, resources)

    def write(self, pcm: Pcm) -> None:
        """Send PCM: bytes cut anywhere, or an array of shape (n,) for one channel or (n, channels).

        Waits while the server, or the sink, is too slow. Raises TypeError or ValueError for an array that the
        config's sample format and channels don't allow, ValueError after close().
        """
        self._stream.check_open()
        for piece in cut(self._stream.layout.to_bytes(pcm)):
            with self._changed:
                self._changed.wait_for(lambda: self._stream.can_write)
                self._stream.put(piece)
                self._changed.notify_all()

    def flush(self) -> StreamFlushed:
        """Have all that can be encoded by now sent, wait for it, and return how far it came."""
        with self._changed:
            number = self._stream.put_flush()
            self._changed.notify_all()
            self._wait_for(lambda: self._stream.flush_answers >= number)
            return self._stream.flushed

    @property
    def started(self) -> StreamStarted:
        """The output as the server resolved it. Waits until it is known."""
        with self._changed:
            self._wait_for(lambda: self._stream.started is not None)
            assert self._stream.started is not None
            return self._stream.started

    @property
    def bytes_received(self) -> int:
        """Bytes of the file that came so far."""
        return self._stream.bytes_received

    @property
    def result(self) -> StreamFinished:
        """Totals of the finished file. Raises ValueError before close()."""
        return self._stream.result

    def close(self) -> None:
        """End the PCM and wait until the file is whole. Closing twice does nothing."""
        with self._changed:
            self._stream.requests.end()
            self._changed.notify_all()
        self._reader.join()
        self._release()
        self._stream.check()

    def cancel(self) -> None:
        """Give the stream up, and with it an unfinished file. After the end of the stream this does nothing."""
        self._call.cancel()
        self._reader.join()
        self._release()

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
            resources = self._resources.pop_all()  # once, though close() and cancel() may meet
        resources.close()

    def _wait_for(self, happened: Callable[[], bool]) -> None:
        self._changed.wait_for(lambda: self._stream.ended or happened())
        self._stream.check()

    def _requests(self) -> Iterator[EncodeStreamRequest]:
        # gRPC takes these on a thread of its own, one when the one before has passed flow control.
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stream.can_send)
                if self._stream.ended or not self._stream.requests.ready:
                    return
                request = self._stream.requests.take()
                self._changed.notify_all()
            yield request

    def _read(self) -> None:
        try:
            for response in self._call:
                self._stream.receive(response)
                with self._changed:
                    self._changed.notify_all()
            self._stream.complete()
        except Exception as error:
            self._stream.fail(error)
        finally:
            self._call.cancel()
            with self._changed:
                self._changed.notify_all()
