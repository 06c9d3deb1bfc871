"""The messages of one stream: it takes requests, checks their order and returns responses. The encoder does the rest.

Rule 1: the first request has the config. Later requests may repeat it but not change it.
Rule 2: `started` is the first response and `finished` the last. The bytes in between are in order, and begin at `resume`.
Rule 3: after an error, only close is allowed.
"""

from collections.abc import Iterator

from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core import AudioEncoder, Event, State

from ..errors import OutOfOrder
from . import wire
from .replay import Replay

Responses = list[pb.EncodeStreamResponse]


class Session:
    """Turns requests into steps of work. Each step of its iterators encodes one slice and returns the responses."""

    def __init__(self) -> None:
        self.encoder: AudioEncoder | None = None
        """None until the config was received."""
        self._config: pb.StreamConfig | None = None
        self.replay: Replay | None = None
        """None unless the first request has a ResumePoint."""
        self._closed = False

    @property
    def replaying(self) -> bool:
        """Whether the stream encodes bytes that its listener has already."""
        return self.replay is not None and self.replay.running

    @property
    def input_seconds(self) -> float:
        """Seconds of audio received so far."""
        return self.encoder.input_seconds if self.encoder else 0.0

    @property
    def bytes_out(self) -> int:
        """Length of the file so far, in bytes."""
        return self.encoder.bytes_out if self.encoder else 0

    @property
    def held_bytes(self) -> int:
        """Bytes of PCM that the end of the stream still has to encode."""
        return self.encoder.held_bytes if self.encoder else 0

    def begin(self, request: pb.EncodeStreamRequest) -> AudioEncoder | None:
        """Take the config and the ResumePoint of a request, if it has them; return the encoder, if there is one.

        Raises OutOfOrder and InvalidArgument.
        """
        resume = request.resume if request.HasField("resume") else None
        if resume is not None and self.encoder is not None:
            raise OutOfOrder("resume after the first message: send it together with the config", "RESUME_LATE")
        return self.configure(request.config, resume) if request.HasField("config") else self.encoder

    def configure(self, config: pb.StreamConfig, resume: pb.ResumePoint | None = None) -> AudioEncoder:
        """Take the config of a request; return the encoder. Raises OutOfOrder if it changes, and InvalidArgument."""
        if self.encoder is None:
            # A copy, because a field of a message keeps the whole message alive, with its PCM.
            self._config = pb.StreamConfig()
            self._config.CopyFrom(config)
            self.replay = None if resume is None else Replay(resume)
            self.encoder = AudioEncoder(**wire.options(config), serial=self.replay.serial if self.replay else None)
            if self._closed:
                self.encoder.close()
        elif config != self._config:
            raise OutOfOrder("config changed within a stream: open a new stream for another config", "CONFIG_CHANGED")
        return self.encoder

    def receive(self, request: pb.EncodeStreamRequest) -> Iterator[Responses]:
        """Encode one request. Raises OutOfOrder, and the exceptions of AudioEncoder."""
        self.begin(request)
        yield from self.encode(request.pcm, flush=request.HasField("flush"))

    def encode(self, pcm: bytes, *, flush: bool = False) -> Iterator[Responses]:
        """Encode PCM. Raises OutOfOrder, and the exceptions of AudioEncoder."""
        encoder = self._configured("pcm")
        if encoder.state is State.NEW:
            yield self._responses(encoder.start())
        size = encoder.cost.slice_bytes
        if len(pcm) <= size:
            if pcm:
                yield self._responses(encoder.write(pcm))
        else:
            view = memoryview(pcm)
            for start in range(0, len(pcm), size):
                yield self._responses(encoder.write(view[start : start + size]))
        if flush:
            yield self._responses(encoder.flush())

    def finish(self) -> Iterator[Responses]:
        """End the stream. Raises OutOfOrder, and the exceptions of AudioEncoder."""
        yield self._responses(self._configured("end of stream").finish())

    def close(self) -> None:
        """Free the encoder: now, or when the running call ends. Idempotent; may be called from any thread."""
        self._closed = True
        if self.encoder is not None:
            self.encoder.close()

    def _configured(self, what: str) -> AudioEncoder:
        if self.encoder is None:
            raise OutOfOrder(f"{what} before config: the first message must have the config", "CONFIG_MISSING")
        return self.encoder

    def _responses(self, events: list[Event]) -> Responses:
        assert self.encoder is not None
        if self.replay is not None:
            events = self.replay.unsent(events)
        return wire.responses(events, self.encoder.options.output) if events else []
