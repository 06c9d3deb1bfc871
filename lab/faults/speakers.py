"""Streams of all formats in real time, whose files must be whole although their servers are lost."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Self

from audiowriter_client import AsyncAudioWriter, AudioWriter
from support.ogg import without_serials
from support.server import LIMIT_S
from support.streams import NAMES, config, encode

from lab.faults.beside import FRAME_BYTES, FRAME_S, RATE, speech

_COARSE = ("vorbis", "m4a", "fmp4")
"""Formats whose bytes come a second apart also without faults."""
_ARRIVAL_S = 0.0213
"""Time between two starts. Not a multiple of a frame, because messages of independent clients are spread over time."""


class Speaker:
    """One stream in real time, with a callable (`live`) or a file as its sink.

    `silence_s`: longest time between two pieces that the callable has received. `error`: what the stream failed with.
    `encode_s`: CPU time that is_whole() has needed to encode the stream without faults.
    """

    def __init__(self, target: str, name: str, *, live: bool) -> None:
        self.name, self.config, self.live = name, config(name, RATE), live
        self.target, self.silence_s, self.frames, self.encode_s = target, 0.0, 0, 0.0
        self.error: BaseException | None = None
        self.started = threading.Event()
        self._header, self._received, self._file = b"", bytearray(), BytesIO()
        self._last: float | None = None

    @property
    def _sink(self) -> Any:
        return self._receive if self.live else self._file

    def _receive(self, data: bytes) -> None:
        now = time.monotonic()
        if self._last is not None:
            self.silence_s = max(self.silence_s, now - self._last)
        self._last = now
        self._received += data

    def _frame(self) -> bytes:
        self.frames += 1
        return speech(FRAME_BYTES, (self.frames - 1) * FRAME_BYTES)

    def run(self, over: threading.Event) -> None:
        """Speak with the sync client until `over` is set."""
        with self._reported():
            with AudioWriter.open(self.target, self.config, self._sink) as writer:
                assert writer.started.serial
                self.started.set()
                due = time.monotonic()
                while not over.wait(max(0, due - time.monotonic())):
                    writer.write(self._frame())
                    due += FRAME_S
            self._header = writer.header

    async def run_async(self, over: threading.Event) -> None:
        """Speak with the asyncio client until `over` is set."""
        with self._reported():
            async with AsyncAudioWriter.open(self.target, self.config, self._sink) as writer:
                assert (await writer.started).serial
                self.started.set()
                due = time.monotonic()
                while not over.is_set():
                    await asyncio.sleep(max(0, due - time.monotonic()))
                    await writer.write(self._frame())
                    due += FRAME_S
            self._header = writer.header

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.error = error
        finally:
            self.started.set()

    def is_whole(self) -> bool:
        """Whether the file is that of the same PCM without faults, except for a random serial number."""
        begin = time.thread_time()
        whole = encode(self.config, speech(self.frames * FRAME_BYTES)).file
        self.encode_s = time.thread_time() - begin
        return without_serials(self._bytes()) == without_serials(whole)

    def _bytes(self) -> bytes:
        if not self.live:
            return self._file.getvalue()
        return bytes(self._header + self._received[len(self._header) :])


class Speakers:
    """Speakers of all formats, who speak until the end of the context: each with both clients, and with both sinks.

    After the context, `lost` are the errors of streams that were lost, and `differing` the formats of files that differ.
    """

    def __init__(self, target: str, count: int, also: Sequence[Speaker] = ()) -> None:
        """`count`: streams of the Python client. `also`: those of other clients, which run in threads."""
        formats = list(NAMES)
        self._speakers = [
            Speaker(target, formats[number % len(formats)], live=number // len(formats) % 2 == 0)
            for number in range(count)
        ]
        # The client changes with every second round of formats, and from format to format.
        clients = [(number // (2 * len(formats)) + number) % 2 for number in range(count)]
        self._sync = [each for each, client in zip(self._speakers, clients, strict=True) if client == 0]
        self._asyncio = [each for each, client in zip(self._speakers, clients, strict=True) if client == 1]
        self._sync += also
        self._speakers += also
        self._over = threading.Event()
        self._threads = [threading.Thread(target=each.run, args=(self._over,)) for each in self._sync]
        self._threads.append(threading.Thread(target=asyncio.run, args=(self._run_async(),)))

    async def _run_async(self) -> None:
        async with asyncio.TaskGroup() as group:
            for each in self._asyncio:
                group.create_task(each.run_async(self._over))
                await asyncio.sleep(2 * _ARRIVAL_S)

    def audio_s(self) -> Counter[str]:
        """Return the seconds of audio that have been written to all streams, by format."""
        return sum((Counter({each.name: each.frames * FRAME_S}) for each in self._speakers), Counter())

    def cpu_per_s(self) -> dict[str, float]:
        """Return the CPU time per second of audio for encoding it in one piece, by format. Needs `differing`."""
        encode_s = dict.fromkeys(NAMES, 0.0)
        for each in self._speakers:
            encode_s[each.name] += each.encode_s
        return {name: encode_s[name] / audio_s for name, audio_s in self.audio_s().items()}

    def take_silence_s(self) -> float:
        """Return the longest time in which a live listener received nothing, since the last call."""
        longest = max(each.silence_s for each in self._speakers if each.live and each.name not in _COARSE)
        for each in self._speakers:
            each.silence_s = 0.0
        return longest

    @property
    def lost(self) -> Sequence[str]:
        return [f"{each.name}: {each.error}" for each in self._speakers if each.error is not None]

    @property
    def differing(self) -> Sequence[str]:
        return [each.name for each in self._speakers if each.error is None and not each.is_whole()]

    def __len__(self) -> int:
        return len(self._speakers)

    def __enter__(self) -> Self:
        for thread in reversed(self._threads):
            thread.start()
            time.sleep(2 * _ARRIVAL_S)
        try:
            for each in self._speakers:
                assert each.started.wait(LIMIT_S), f"{each.name}: no server has accepted the stream"
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
