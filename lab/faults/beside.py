"""The healthy stream beside a fault: a client that sends in real time and checks every byte of the file."""

import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from io import BytesIO
from typing import Self

import grpc
from audiowriter_client import AudioWriter
from support.server import channel_to
from support.streams import config, encode, speechlike

RATE = 24_000
FRAME_S = 0.02
FRAME_BYTES = int(RATE * FRAME_S) * 2
_SPEECH = speechlike(10 * RATE, RATE).tobytes()


class Beside:
    """Sends a frame every 20 ms by the clock, however late the server answers.

    At the end of the context the stream ends. It fails if the file differs from the encoding of the same PCM in this
    process. It is MP3, because its encoder keeps state from frame to frame.
    """

    def __init__(self, target: str | grpc.Channel, metadata: Sequence[tuple[str, str]] = ()) -> None:
        self._metadata = metadata
        self._resources = ExitStack()
        self._channel = self._resources.enter_context(channel_to(target)) if isinstance(target, str) else target
        self._config = config("mp3", RATE)
        self._file = BytesIO()
        self._frames = 0
        self._over = threading.Event()
        self._error: Exception | None = None
        self._speaker = threading.Thread(target=self._speak)

    def __enter__(self) -> Self:
        self._writer = AudioWriter.open(self._channel, self._config, self._file, metadata=self._metadata)
        assert self._writer.started.mime_type == "audio/mpeg"
        self._speaker.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        self._speaker.join()
        with self._resources:
            if kind is not None:
                self._writer.cancel()
                return
            assert self._error is None, f"the stream beside failed: {self._error}"
            self._writer.close()
        whole = encode(self._config, speech(self._frames * FRAME_BYTES)).file
        assert self._file.getvalue() == whole, "the stream beside is damaged"

    def _speak(self) -> None:
        due = time.monotonic()
        try:
            while not self._over.wait(max(0, due - time.monotonic())):
                self._writer.write(speech(FRAME_BYTES, self._frames * FRAME_BYTES))
                self._frames += 1
                due += FRAME_S
        except Exception as error:
            self._error = error


def speech(length: int, start: int = 0) -> bytes:
    """Return `length` bytes of the endlessly repeated speech sample, from byte `start` on."""
    start %= len(_SPEECH)
    if start + length <= len(_SPEECH):  # without copying the sample for each frame of sixty streams
        return _SPEECH[start : start + length]
    return (_SPEECH[start:] + _SPEECH * (length // len(_SPEECH) + 1))[:length]
