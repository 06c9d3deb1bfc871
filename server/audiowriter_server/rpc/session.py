"""One stream on the wire: requests in, responses out. Knows the order of messages; the encoder knows everything else.

Rule 1: the first request carries the config; a later one may repeat it, but not change it.
Rule 2: `started` is the first response, `finished` the last; bytes come in order between them.
Rule 3: after an error only close is allowed.
"""

from collections.abc import Iterator

from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core import AudioEncoder, Event

from ..errors import OutOfOrder
from . import wire

Responses = list[pb.EncodeStreamResponse]


class Session:
    """Turns requests into slices of work. Each step of its iterators is one slice, and returns the responses it made."""

    def __init__(self) -> None:
        self.encoder: AudioEncoder | None = None
        """None before the config."""
        self._config: pb.StreamConfig | None = None
        self._closed = False

    @property
    def input_seconds(self) -> float:
        """Seconds of audio taken in so far."""
        return self.encoder.input_seconds if self.encoder else 0.0

    @property
    def bytes_out(self) -> int:
        """Bytes of the file so far."""
        return self.encoder.bytes_out if self.encoder else 0

    def cost_ms(self, pcm_bytes: int) -> float:
        """Estimate the CPU time, in ms, of a request with so much PCM. The config must have been received."""
        assert self.encoder is not None
        return self.encoder.cost_ms(pcm_bytes)

    def receive(self, request: pb.EncodeStreamRequest, pcm: bytes | None = None) -> Iterator[Responses]:
        """Take one request. `pcm`: its PCM, if it was read already, because each read of a bytes field makes a copy.

        Raises OutOfOrder, and what AudioEncoder raises.
        """
        if request.HasField("config"):
            yield from self._configure(request.config)
        encoder = self._configured("pcm")
        pcm = request.pcm if pcm is None else pcm
        size = encoder.slice_bytes
        if len(pcm) <= size:
            if pcm:
                yield self._responses(encoder.write(pcm))
        else:
            view = memoryview(pcm)
            for start in range(0, len(pcm), size):
                yield self._responses(encoder.write(view[start : start + size]))
        if request.flush:
            yield self._responses(encoder.flush())

    def finish(self) -> Iterator[Responses]:
        """End the stream. Raises OutOfOrder, and what AudioEncoder raises."""
        yield self._responses(self._configured("end of stream").finish())

    def close(self) -> None:
        """Free the encoder, at once or when the call that uses it ends. Idempotent, from any thread."""
        self._closed = True
        if self.encoder is not None:
            self.encoder.close()

    def _configure(self, config: pb.StreamConfig) -> Iterator[Responses]:
        if self._config is None:
            self._config = config
            self.encoder = AudioEncoder(**wire.options(config))
            if self._closed:  # while a thread of the pool was here
                self.encoder.close()
            yield self._responses(self.encoder.start())
        elif config != self._config:
            raise OutOfOrder("config changed in the middle of a stream: open a new stream", "CONFIG_CHANGED")

    def _configured(self, what: str) -> AudioEncoder:
        if self.encoder is None:
            raise OutOfOrder(f"{what} before config: the first message must carry config", "CONFIG_MISSING")
        return self.encoder

    def _responses(self, events: list[Event]) -> Responses:
        assert self.encoder is not None
        return list(wire.responses(events, self.encoder.options.output)) if events else []
