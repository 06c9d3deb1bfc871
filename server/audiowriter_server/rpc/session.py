"""The messages of one stream: it takes requests, checks their order and returns responses. The encoder does the rest.

Rule 1: the first request has the config. Later requests may repeat it but not change it.
Rule 2: `started` is the first response and `finished` the last. The bytes in between are in order, and begin at `resume`.
Rule 3: after an error, only close is allowed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import audiowriter_core
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core import AudioEncoder, Event, ResumedEncoder, State

from ..errors import OutOfOrder
from . import wire

Responses = list[pb.EncodeStreamResponse]

Place = tuple[int | None, int]
"""Position and channel."""


class Session:
    """Turns requests into responses."""

    def __init__(self) -> None:
        self.encoder: AudioEncoder | None = None
        """None until the config was received."""
        self._config: pb.StreamConfig | None = None
        self.replay: ResumedEncoder | None = None
        """The encoder, while the listener of a resumed stream has its bytes already."""
        self._closed = False

    def begin(self, request: pb.EncodeStreamRequest) -> AudioEncoder:
        """Take the config and the ResumePoint of a request, if it has them; return the encoder.

        Raises OutOfOrder and InvalidArgument.
        """
        resume = request.resume if request.HasField("resume") else None
        if resume is not None and self.encoder is not None:
            raise OutOfOrder("resume after the first message: send it together with the config", "RESUME_LATE")
        if request.HasField("config"):
            return self.configure(request.config, resume)
        if self.encoder is None:
            raise config_missing("pcm")
        return self.encoder

    def configure(self, config: pb.StreamConfig, resume: pb.ResumePoint | None = None) -> AudioEncoder:
        """Take the config of a request; return the encoder. Raises OutOfOrder if it changes, and InvalidArgument."""
        if self.encoder is None:
            # A copy, because a field of a message keeps the whole message alive, with its PCM.
            self._config = pb.StreamConfig()
            self._config.CopyFrom(config)
            if resume is None:
                self.encoder = AudioEncoder(**wire.options(config))
            else:
                point, serial = wire.resume_point(resume), resume.serial or None
                resumed = ResumedEncoder(point, **wire.options(config), serial=serial)
                self.encoder, self.replay = resumed, resumed if resumed.replaying else None
            if self._closed:
                self.encoder.close()
        elif config != self._config:
            raise OutOfOrder("config changed within a stream: open a new stream for another config", "CONFIG_CHANGED")
        return self.encoder

    def receive(self, request: pb.EncodeStreamRequest) -> Responses:
        """Encode a whole request. Raises OutOfOrder, and the exceptions of AudioEncoder."""
        self.begin(request)
        pcm, flush, place, description = parts(request)
        responses = self.encode(pcm, flush, place)
        if description is not None:
            self.describe(description)
        return responses

    def encode(self, pcm: bytes | memoryview, flush: bool = False, place: Place | None = None) -> Responses:
        """Encode PCM, which may be a slice of a message if it has no place.

        Raises OutOfOrder, and the exceptions of AudioEncoder.
        """
        encoder = self.encoder
        if encoder is None:
            raise config_missing("pcm")
        events: list[Event] = []
        if place is not None:
            events = encoder.write(pcm, position=place[0], channel=place[1])
        elif pcm:
            events = encoder.write(pcm)
        elif encoder.state is State.NEW:
            events = encoder.start()
        if flush:
            events += encoder.flush()
        return self._responses(encoder, events)

    def slices(self, pcm: bytes, flush: bool, place: Place | None) -> Iterator[Responses]:
        """As `encode`, for streams with positions: in steps like those of slices, however long the gap before `pcm` is."""
        if self.encoder is None:
            raise config_missing("pcm")
        position, channel = place or (None, 0)
        for events in self.encoder.write_slices(pcm, position=position, channel=channel):
            yield self._responses(self.encoder, events)
        if flush:
            yield self.encode(b"", flush)

    def describe(self, description: Mapping[str, Any]) -> None:
        """Take tags and markers, the arguments of `AudioEncoder.describe`.

        Raises InvalidArgument, whose fields are paths in the request.
        """
        assert self.encoder is not None
        try:
            self.encoder.describe(**description)
        except audiowriter_core.InvalidArgument as exc:
            raise wire.late_invalid_argument(exc) from exc

    def finish(self) -> Responses:
        """End the stream. Raises OutOfOrder, and the exceptions of AudioEncoder."""
        if self.encoder is None:
            raise config_missing("end of stream")
        return wire.responses(self.encoder.finish(), self.encoder.options.output)

    def finish_slices(self) -> Iterator[Responses]:
        """Encode what waits for other channels, in steps like those of `slices`. Then call `finish`."""
        if self.encoder is None:
            raise config_missing("end of stream")
        for events in self.encoder.finish_slices():
            yield self._responses(self.encoder, events)

    def _responses(self, encoder: AudioEncoder, events: list[Event]) -> Responses:
        if self.replay is not None and not self.replay.replaying:
            self.replay = None
        return wire.responses(events, encoder.options.output) if events else []

    def close(self) -> None:
        """Free the encoder: now, or when the running call ends. Idempotent; may be called from any thread."""
        self._closed = True
        if self.encoder is not None:
            self.encoder.close()


def parts(request: pb.EncodeStreamRequest) -> tuple[bytes, bool, Place | None, dict[str, Any] | None]:
    """Return the arguments of `encode`, and that of `describe` or None. Raises InvalidArgument."""
    place: Place | None = None
    if request.HasField("position"):
        place = request.position, request.channel
    elif channel := request.channel:
        place = None, channel
    describes = request.HasField("metadata") or request.markers
    description = wire.description(request.markers, request.metadata) if describes else None
    return request.pcm, request.HasField("flush"), place, description


def config_missing(what: str) -> OutOfOrder:
    """Return the error for a stream that begins with something else."""
    return OutOfOrder(f"{what} before config: the first message must have the config", "CONFIG_MISSING")
