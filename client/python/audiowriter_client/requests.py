"""Queues what is to be sent, and splits and joins it into messages."""

from collections import deque
from collections.abc import Iterator

from audiowriter.v1.audio_writer_pb2 import EncodeStreamRequest, Flush, Marker, ResumePoint, StreamConfig

from audiowriter_client.spool import NOWHERE, Place, Spool

# Each message costs both sides about 50 µs whatever its size, so small writes are joined. Beyond 256 KiB joining gains
# nothing, and the server accepts at most 1 MiB.
MESSAGE_BYTES = 256 * 1024
# Enough to keep the connection busy while the writer produces samples; more would only add latency and memory.
QUEUE_BYTES = 4 * MESSAGE_BYTES

# For files that nobody listens to: a recording in 20 ms frames then costs the server a third to a tenth.
BUFFER_SECONDS = 1.0


def cut(pcm: memoryview, position: int | None = None) -> Iterator[tuple[memoryview, int | None]]:
    """Split flat bytes into pieces that each fit into one message. The first one has the position."""
    for start in range(0, len(pcm), MESSAGE_BYTES):
        yield pcm[start : start + MESSAGE_BYTES], None if start else position


class RequestQueue:
    """A bounded queue of PCM and flushes that joins waiting items into as few messages as possible.

    What was taken is kept in a spool, so that all of it can be taken again.

    It never blocks: check `full` before `put` and `ready` before `take`.
    """

    def __init__(
        self, config: StreamConfig, spool_bytes: int = 0, gather_bytes: int = 0, sample_bytes: int = 1
    ) -> None:
        """`spool_bytes`: limit of the spool; 0: nothing is kept. `gather_bytes`: PCM that waits for more, at most
        MESSAGE_BYTES. `sample_bytes`: bytes per sample of one channel."""
        self._config = StreamConfig()
        self._config.CopyFrom(config)
        self.config_taken = False
        # PCM; the place of the PCM that follows, unless it follows the one before; or a flush, which is None.
        self._waiting: deque[bytes | Place | None] = deque()
        self._sample_bytes, self._channels = sample_bytes, config.input.channels or 1
        self._channel = self._taken_channel = 0  # of the last PCM that was put, and of the last that was taken
        self._next_bytes: dict[int, int] = {}  # by channel: after the last PCM that was put
        self._waiting_bytes = 0
        self._waiting_flushes = 0
        self._gather_bytes = gather_bytes
        self.spool = Spool(spool_bytes)
        self._descriptions: list[EncodeStreamRequest] = []  # kept, because each call of the stream needs them
        self._descriptions_taken = 0
        self.resume: ResumePoint | None = None
        """Sent with the config."""
        self.ended = False

    @property
    def full(self) -> bool:
        """Whether a writer should wait before the next `put`."""
        return self._waiting_bytes >= QUEUE_BYTES

    @property
    def ready(self) -> bool:
        """Whether there is a message to take. If `ended` and no longer ready, everything has been taken."""
        if not self.config_taken or self._descriptions_taken < len(self._descriptions) or self.spool.behind:
            return True
        return bool(self._waiting) and (
            self._waiting_bytes >= self._gather_bytes or self._waiting_flushes > 0 or self.ended
        )

    def begin_again(self, resume: ResumePoint | None = None) -> None:
        """Send everything again, beginning with the config and `resume`.

        Allowed if nothing but the config has been taken, or if the spool is complete.
        """
        self.config_taken = False
        self.resume = resume
        self._descriptions_taken = 0
        self.spool.rewind()

    def put(self, piece: memoryview, position: int | None = None, channel: int = 0) -> None:
        """Append a piece of at most MESSAGE_BYTES. It is copied, so the caller may reuse its buffer."""
        start = self._next_bytes.get(channel, 0)
        if channel != self._channel or position is not None:
            start = self._begin(start, position, channel)
        self._next_bytes[channel] = start + len(piece)
        self._waiting.append(bytes(piece))
        self._waiting_bytes += len(piece)

    def _begin(self, expected: int, position: int | None, channel: int) -> int:
        """Append the place of the next piece, if it does not follow the one before. Return it in bytes of the channel."""
        frame_bytes = self._sample_bytes * (1 if channel else self._channels)
        start = expected if position is None else position * frame_bytes
        if channel != self._channel or start != expected:
            self._waiting.append((position, channel))
            self._channel = channel
        return start

    def put_flush(self) -> None:
        """Append a flush of everything before it."""
        self._waiting.append(None)
        self._waiting_flushes += 1

    def describe(self, request: EncodeStreamRequest) -> None:
        """Append what describes the audio. It may overtake PCM, because it belongs to the whole file."""
        self._descriptions.append(request)

    @property
    def markers(self) -> Iterator[Marker]:
        """The markers so far."""
        return (marker for request in self._descriptions for marker in request.markers)

    def end(self) -> None:
        """Accept no more items."""
        self.ended = True

    def take(self) -> EncodeStreamRequest:
        """Return the next message: the config alone, then up to MESSAGE_BYTES of PCM, up to and including a flush."""
        if not self.config_taken:
            self.config_taken = True
            return EncodeStreamRequest(config=self._config, resume=self.resume)
        if self._descriptions_taken < len(self._descriptions):
            self._descriptions_taken += 1
            return self._descriptions[self._descriptions_taken - 1]
        if self.spool.behind:
            pcm, flush, place = self.spool.take(MESSAGE_BYTES)
        else:
            pcm, flush, place = self._take_waiting()
            self.spool.add(pcm, flush, place)
        if place == NOWHERE:
            return EncodeStreamRequest(pcm=pcm, flush=Flush() if flush else None)
        return EncodeStreamRequest(pcm=pcm, flush=Flush() if flush else None, position=place[0], channel=place[1])

    def _take_waiting(self) -> tuple[bytes, bool, Place]:
        pieces: list[bytes] = []
        room = MESSAGE_BYTES
        place: Place = (None, self._taken_channel)
        flush = False
        while self._waiting:
            item = self._waiting[0]
            if isinstance(item, bytes):
                if len(item) > room:
                    break
                pieces.append(item)
                room -= len(item)
            elif item is None:
                flush = True
                self._waiting_flushes -= 1
            elif pieces:
                break
            else:
                place = item
                self._taken_channel = item[1]
            self._waiting.popleft()
            if flush:
                break
        self._waiting_bytes -= MESSAGE_BYTES - room
        return b"".join(pieces), flush, place if pieces else NOWHERE
