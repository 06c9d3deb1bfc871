"""Encodes in this process: what `encode` uses without --target."""

import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from audiowriter.v1.audio_writer_pb2 import Marker
from audiowriter_client.pcm import Pcm
from audiowriter_client.sink import Destination, open_sink
from audiowriter_core import AudioEncoder, Chunk, Event, Finished, State, WrongState
from audiowriter_core import Marker as CoreMarker

_DISCARD_S = 1.0
"""How long `cancel` waits for the call in progress."""


class LocalWriter:
    """AudioWriter's part of writing a file, without a server. Leaving the context by an exception discards the file."""

    def __init__(self, options: dict[str, Any], sink: Destination) -> None:
        """`options`: the arguments of AudioEncoder. Raises its InvalidArgument, and OSError if a path cannot be written."""
        self._encoder = AudioEncoder(**options)
        self._sink = open_sink(sink)
        self._in_use = threading.Lock()
        self._open = True
        self._finished: Finished | None = None

    @property
    def bytes_received(self) -> int:
        """Bytes of the file so far."""
        return self._encoder.bytes_out

    @property
    def result(self) -> Finished:
        """Totals of the finished file."""
        assert self._finished is not None
        return self._finished

    def write(self, pcm: Pcm) -> None:
        """Encode PCM. Raises WrongState after `cancel`."""
        with self._in_use:
            self._take(self._encoder.write(pcm))

    def describe(self, markers: Iterable[Marker]) -> None:
        """Add markers. Raises WrongState after `cancel`."""
        with self._in_use:
            if self._encoder.state is State.NEW:
                self._take(self._encoder.start())
            self._encoder.describe(markers=map(_marker, markers))

    def close(self) -> None:
        """Finish the file."""
        with self._in_use:
            self._take(self._encoder.finish())
            self._sink.finish(self.result.header)
            self._open = False
        self._encoder.close()

    def cancel(self) -> None:
        """Discard the file. May be called from another thread than the one that writes, while it writes."""
        self._encoder.close()
        if self._in_use.acquire(timeout=_DISCARD_S):
            if self._open:
                self._open = False
                self._sink.discard()
            self._in_use.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.cancel()
            return
        try:
            self.close()
        except BaseException:
            self.cancel()
            raise

    def _take(self, events: list[Event]) -> None:
        if not self._open:
            raise WrongState("the file was discarded")
        for event in events:
            if isinstance(event, Chunk):
                self._sink.write(event.data)
            elif isinstance(event, Finished):
                self._finished = event
                self._sink.write(event.trailer)


def _marker(marker: Marker) -> CoreMarker:
    return CoreMarker(marker.position, marker.length, marker.title, marker.url)
