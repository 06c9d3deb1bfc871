"""One Encode call: encodes a whole file into one response, and stops as soon as the file is too long for it."""

from hashlib import sha256

from audiowriter.v1 import audio_writer_pb2 as pb

from ..errors import AboveLimit, Violation
from ..runtime.settings import Settings
from ..telemetry.call_record import CallRecord
from . import wire
from .limits import Limits
from .memory import Reservation
from .scheduling import Scheduler, StreamCost
from .session import Responses, Session

_OVERHEAD = 64 * 1024
"""Bytes of a response apart from the file, because tags may be long."""


class UnaryCall:
    """The handler of one call."""

    def __init__(
        self, record: CallRecord, scheduler: Scheduler, limits: Limits, settings: Settings, reservation: Reservation
    ) -> None:
        self._record, self._scheduler, self._limits, self._reservation = record, scheduler, limits, reservation
        self._max_message_bytes = settings.max_message_bytes
        self._max_stream_seconds = settings.max_stream_seconds
        self._max_file_bytes = min(settings.max_message_bytes - _OVERHEAD, settings.max_file_bytes)
        self._encoded = pb.EncodeResponse()
        self._file = bytearray()
        self._finished = pb.StreamFinished()

    async def run(self, request: pb.EncodeRequest) -> pb.EncodeResponse:
        """Encode the request's PCM and return the file."""
        self._limits.check_config(request.config)
        self._record.request_id = request.config.request_id
        session = Session()
        try:
            encoder = session.configure(request.config)
            cost = StreamCost(encoder.cost)
            self._record.observe(encoder)
            self._reservation.add_encoder(encoder)
            pcm = request.pcm
            if len(pcm) > self._max_stream_seconds * encoder.cost.bytes_per_second:
                text = f"has more than {self._max_stream_seconds:g} s of audio: send less"
                raise AboveLimit([Violation("pcm", text)], "max_stream_seconds", self._max_stream_seconds)
            for part in encoder.cost.slices(pcm):
                self._add(await self._scheduler.pooled(self._record, cost, session.encode, part))
            if request.markers:
                await self._scheduler.in_pool(self._record.caller, session.describe, wire.description(request.markers))
            self._add(await self._scheduler.pooled(self._record, cost, session.finish))
        finally:
            session.close()
        await self._scheduler.in_pool(self._record.caller, self._complete)
        return self._encoded

    def _add(self, responses: Responses) -> None:
        for response in responses:
            event = response.WhichOneof("event")
            if event == "started":
                self._encoded.started.CopyFrom(response.started)
            elif event == "finished":
                self._finished = response.finished
                self._encoded.totals.CopyFrom(response.finished.totals)
            else:
                self._file += response.chunk.data
                self._check_length()

    def _check_length(self) -> None:
        if len(self._file) > self._max_file_bytes:
            text = f"makes a file of more than {self._max_file_bytes} bytes: use EncodeStream for longer files"
            raise AboveLimit([Violation("pcm", text)], "max_message_bytes", self._max_message_bytes)

    def _complete(self) -> None:
        """Add header and trailer, and set the file."""
        finished = self._finished
        self._file += finished.trailer
        self._file[: len(finished.header)] = finished.header
        self._check_length()
        self._encoded.file = bytes(self._file)
        self._file.clear()
        self._encoded.totals.sent_sha256 = sha256(self._encoded.file).digest()
