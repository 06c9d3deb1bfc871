"""The start of a resumed stream: bytes that the listener has already are encoded again and compared, but not sent."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core import Chunk, Event, Finished

from ..errors import InvalidArgument, ResumeMismatch, Violation

_HASH_BYTES = sha256().digest_size


class Replay:
    """The bytes of a file before a ResumePoint."""

    def __init__(self, resume: pb.ResumePoint) -> None:
        """Raises InvalidArgument, which lists all bad fields."""
        violations = []
        if resume.offset < 0:
            violations.append(Violation("resume.offset", f"offset={resume.offset}: takes 0 or more bytes"))
        if resume.offset:
            if len(resume.sha256) != _HASH_BYTES:
                text = f"has {len(resume.sha256)} bytes: takes the {_HASH_BYTES} bytes of a SHA-256"
                violations.append(Violation("resume.sha256", text))
            if not resume.serial:
                violations.append(Violation("resume.serial", "is missing: takes the serial of the stream that broke"))
        if violations:
            raise InvalidArgument(violations)
        self.offset: int = resume.offset
        self.serial: int = resume.serial
        self._expected = bytes(resume.sha256)
        self._hash = sha256()
        self._left = self.offset

    @property
    def running(self) -> bool:
        """Whether the listener has the next byte already."""
        return self._left > 0

    def unsent(self, events: Sequence[Event]) -> list[Event]:
        """Return the events without the bytes that the listener has.

        Raises ResumeMismatch if these bytes are not the ones that the listener has, or if the file ends before them.
        """
        return [event for event in map(self._unsent, events) if event is not None]

    def _unsent(self, event: Event) -> Event | None:
        if not self.running:
            return event
        if isinstance(event, Chunk):
            data = self._compare(event.data)
            offset = event.offset + len(event.data) - len(data)
            return Chunk(data, offset, event.input_samples) if data else None
        if isinstance(event, Finished):
            event = replace(event, trailer=self._compare(event.trailer))
            if self.running:
                raise ResumeMismatch(self.offset)
        return event

    def _compare(self, data: bytes) -> bytes:
        """Take the next bytes of the file, and return those that the listener does not have."""
        known = data[: self._left]
        self._hash.update(known)
        self._left -= len(known)
        if not self._left and self._hash.digest() != self._expected:
            raise ResumeMismatch(self.offset)
        return data[len(known) :]
