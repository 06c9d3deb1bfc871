"""Servers that are lost under live streams: every stream goes on elsewhere, and no byte differs."""

import asyncio
import signal
import threading
import time
from collections import Counter
from collections.abc import Coroutine
from contextlib import ExitStack
from io import BytesIO
from typing import Any

from audiowriter_client import AsyncAudioWriter, AudioWriter
from support.ogg import without_serials
from support.server import ServerProcess
from support.streams import NAMES, config, encode

from lab.faults.beside import FRAME_BYTES, FRAME_S, RATE, speech
from lab.faults.watch import Watched

_INTERVAL_S = 3.0
_COARSE = ("vorbis", "m4a", "fmp4")
"""Formats whose bytes come a second apart also without faults."""


class _Speaker:
    """One stream in real time, with a callable or a file as its sink."""

    def __init__(self, target: str, name: str, *, live: bool) -> None:
        self.name, self.config, self.live = name, config(name, RATE), live
        self.target, self.silence_s, self.frames = target, 0.0, 0
        self.error: BaseException | None = None
        self._received, self._file = bytearray(), BytesIO()
        self._last: float | None = None

    @property
    def sink(self) -> Any:
        return self._receive if self.live else self._file

    def _receive(self, data: bytes) -> None:
        now = time.monotonic()
        if self._last is not None:
            self.silence_s = max(self.silence_s, now - self._last)
        self._last = now
        self._received += data

    def frame(self) -> bytes:
        """Return the next 20 ms."""
        self.frames += 1
        return speech(FRAME_BYTES, (self.frames - 1) * FRAME_BYTES)

    def run(self, over: threading.Event) -> None:
        """Speak with the sync client until `over` is set."""
        try:
            with AudioWriter.open(self.target, self.config, self.sink) as writer:
                due = time.monotonic()
                while not over.wait(max(0, due - time.monotonic())):
                    writer.write(self.frame())
                    due += FRAME_S
            self._header = writer.header
        except Exception as error:
            self.error = error

    async def run_async(self, over: threading.Event) -> None:
        """Speak with the asyncio client until `over` is set."""
        try:
            async with AsyncAudioWriter.open(self.target, self.config, self.sink) as writer:
                due = time.monotonic()
                while not over.is_set():
                    await asyncio.sleep(max(0, due - time.monotonic()))
                    await writer.write(self.frame())
                    due += FRAME_S
            self._header = writer.header
        except Exception as error:
            self.error = error

    def is_whole(self) -> bool:
        """Whether the file is that of the same PCM without faults."""
        file = self._header + self._received[len(self._header) :] if self.live else self._file.getvalue()
        whole = encode(self.config, speech(self.frames * FRAME_BYTES)).file
        return without_serials(bytes(file)) == without_serials(whole)


async def _together(runs: list[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*runs)


def lost_servers(server: Watched, tries: int) -> Counter[str]:
    """Kill one of two servers beside this one with SIGKILL every few seconds, and start it again on its port."""
    with ExitStack() as stack:
        others = [stack.enter_context(ServerProcess()) for _ in range(2)]
        target = ",".join([server.target, *(other.target for other in others)])
        speakers = [
            _Speaker(target, name, live=(number + client) % 2 == 0)
            for number, name in enumerate(NAMES)
            for client in range(2)
        ]
        over = threading.Event()
        threads = [threading.Thread(target=each.run, args=(over,)) for each in speakers[::2]]
        coroutines = [each.run_async(over) for each in speakers[1::2]]
        threads.append(threading.Thread(target=asyncio.run, args=(_together(coroutines),)))
        for thread in threads:
            thread.start()
        try:
            for number in range(tries):
                time.sleep(_INTERVAL_S)
                others[number % 2].signal(signal.SIGKILL)
                others[number % 2].wait()
                port = others[number % 2].target.rpartition(":")[2]
                others[number % 2] = stack.enter_context(ServerProcess(f"--port={port}"))
            time.sleep(_INTERVAL_S)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        resumed = sum(bool(line.get("resumed")) for each in (server, *others) for line in each.calls())
    lost = [f"{each.name}: {each.error}" for each in speakers if each.error is not None]
    assert not lost, f"{len(lost)} lost streams: {lost[:3]}"
    differ = [each.name for each in speakers if not each.is_whole()]
    assert not differ, f"{len(differ)} files that differ: {differ}"
    assert resumed, "no stream was resumed"
    silence_s = max(each.silence_s for each in speakers if each.live and each.name not in _COARSE)
    return Counter(
        {
            f"longest silence of a listener {silence_s:.2f} s": 1,
            "kill -9": tries,
            "streams whole, lost streams 0, files that differ 0": len(speakers),
            "resumed calls": resumed,
        }
    )
