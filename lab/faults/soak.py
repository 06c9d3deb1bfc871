"""Everything at the same time, for hours: good streams in every format among cancelled, invalid and idle ones."""

import random
import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_client import AudioWriter, stream_config
from audiowriter_client.formats import AUDIO_FORMATS
from support.server import FRAME, Stream, channel_to

from lab.faults.beside import Beside
from lab.faults.watch import Watched

CALLERS = 4
PAUSE_S = 0.2
"""Pause between the streams of a client: leaks are found by time, not by load."""
SAMPLES = 60
MEMORY_SLACK = 4 * 1024 * 1024
MEMORY_PER_STREAM = 128
"""Bytes that a stream may leave allocated: grpc.aio keeps a little memory per cancelled operation."""


@dataclass(frozen=True)
class Sample:
    """The resources of a server at one moment."""

    memory: int
    threads: int
    descriptors: int


def soak(server: Watched, seconds: float) -> Counter[str]:
    """Return what the clients saw. Raises AssertionError if a stream was lost or a resource grew."""
    seen: Counter[str] = Counter()
    failures: list[Exception] = []
    end = time.monotonic() + seconds

    def call(seed: int) -> None:
        dice = random.Random(seed)
        while time.monotonic() < end and not failures:
            try:
                seen[dice.choice(_KINDS)(server, dice)] += 1
            except Exception as error:
                failures.append(error)
            time.sleep(PAUSE_S)

    samples = []
    callers = [threading.Thread(target=call, args=(seed,)) for seed in range(CALLERS)]
    with Beside(server.target):
        for caller in callers:
            caller.start()
        while time.monotonic() < end and not failures:
            time.sleep(seconds / SAMPLES)
            samples.append(Sample(server.resident_bytes(), server.thread_count(), server.descriptor_count()))
        for caller in callers:
            caller.join()
        if failures:
            raise failures[0]
    _check_flat(samples, sum(seen.values()))
    return seen


def _check_flat(samples: list[Sample], streams: int) -> None:
    """Compare the last quarter with the second: in the first quarter the server is still filling its pools."""
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    grown = statistics.median(each.memory for each in late) - statistics.median(each.memory for each in early)
    assert grown < MEMORY_SLACK + MEMORY_PER_STREAM * streams, f"memory grew by {grown / 1e6:.1f} MB"
    assert max(each.threads for each in late) <= max(each.threads for each in early) + 2, "the number of threads grew"
    assert max(each.descriptors for each in late) <= max(each.descriptors for each in early) + 2 * CALLERS, (
        "the number of open files grew"
    )


def _good(server: Watched, dice: random.Random) -> str:
    name = dice.choice(sorted(AUDIO_FORMATS))
    noise = np.random.default_rng(dice.randrange(1000)).normal(0, 3000, 24000 * dice.randint(0, 3))
    pcm = noise.clip(-32768, 32767).astype("<i2").tobytes()
    step = dice.choice((960, 4001, 65536))
    received = bytearray()
    config = stream_config(format=name, sample_rate_hz=24000)
    with AudioWriter.open(server.target, config, received.extend) as writer:  # checks length and hash
        for start in range(0, len(pcm), step):
            writer.write(pcm[start : start + step])
    assert len(received) == writer.result.file_bytes
    return "OK"


def _cancelled(server: Watched, dice: random.Random) -> str:
    with channel_to(server) as channel:
        stream = Stream(channel).start()
        for _ in range(dice.randrange(50)):
            stream.send(pb.EncodeStreamRequest(pcm=FRAME))
        stream.call.cancel()
        return stream.error().code.name


def _wrong(server: Watched, dice: random.Random) -> str:
    with channel_to(server) as channel:
        return Stream(channel, pb.EncodeStreamRequest(config=pb.StreamConfig())).error().code.name


def _silent(server: Watched, dice: random.Random) -> str:
    with channel_to(server) as channel:
        return Stream(channel, None).error().code.name


_KINDS = (_good, _good, _good, _good, _cancelled, _wrong, _silent)
