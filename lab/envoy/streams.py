"""Clients that send audio in real time until they are stopped."""

import asyncio
import math
import time
from array import array
from dataclasses import dataclass

import grpc.aio
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_client import AsyncAudioWriter, AudioWriterError, stream_config

RATE = 24_000
MESSAGE_MS = 100
CONFIG = stream_config(format="mp3", sample_rate_hz=RATE)
_STEP = RATE * MESSAGE_MS // 1000
PCM = array("h", (int(8000 * math.sin(2 * math.pi * 440 * n / RATE)) for n in range(_STEP))).tobytes()


@dataclass(eq=False)
class Stream:
    """One client. `error`: the error that it received if its file is incomplete."""

    request_id: str
    task: asyncio.Task[pb.Totals | AudioWriterError]
    started: asyncio.Event

    @property
    def error(self) -> AudioWriterError | None:
        result = self.task.result()
        return result if isinstance(result, AudioWriterError) else None


def open_stream(channel: grpc.aio.Channel, request_id: str, end: asyncio.Event) -> Stream:
    """Start a client that writes until `end` is set, and then closes its file."""
    started = asyncio.Event()
    return Stream(request_id, asyncio.create_task(_speak(channel, request_id, started, end)), started)


async def _speak(
    channel: grpc.aio.Channel, request_id: str, started: asyncio.Event, end: asyncio.Event
) -> pb.Totals | AudioWriterError:
    def drop(_: bytes) -> None:
        pass

    try:
        async with AsyncAudioWriter.open(
            channel, CONFIG, drop, metadata=[("x-request-id", request_id)], resume_timeout=0
        ) as writer:
            await writer.started
            started.set()
            due, messages = time.monotonic(), 0
            while not end.is_set():
                await writer.write(PCM)
                messages += 1
                due += MESSAGE_MS / 1000
                await asyncio.sleep(max(0.0, due - time.monotonic()))
    except AudioWriterError as error:
        return error
    finally:
        started.set()
    # The client has verified the length and hash of its file. This checks that no PCM was lost on the way to the
    # server.
    assert writer.result.input_samples == messages * _STEP
    return writer.result
