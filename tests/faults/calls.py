"""Faults of calls and of their callers."""

import errno
from collections import Counter
from pathlib import Path

from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_client import AudioWriter
from support.server import CONFIG, FRAME, ServerProcess, Stream, channel_to


def cancelled_streams(server: ServerProcess, tries: int) -> Counter[str]:
    """Streams cancelled in the middle, fifty at a time."""
    seen: Counter[str] = Counter()
    with channel_to(server) as channel:
        for _ in range(tries // 50):
            streams = [Stream(channel).start() for _ in range(50)]
            for stream in streams:
                stream.send(pb.EncodeStreamRequest(pcm=FRAME))
                stream.call.cancel()
            seen += Counter(stream.error().code.name for stream in streams)
    assert set(seen) == {"CANCELLED"}
    return seen


def oversized_metadata(server: ServerProcess, tries: int) -> Counter[str]:
    """Metadata just over the limit and far over it, in turn."""
    seen: Counter[str] = Counter()
    with channel_to(server) as channel:
        for number in range(tries):
            size = 100_000 if number % 2 else 9_000
            seen[Stream(channel, metadata=[("x-much", "a" * size)]).error().code.name] += 1
    assert set(seen) == {"RESOURCE_EXHAUSTED"}
    return seen


def disk_full_at_the_client(server: ServerProcess, tries: int) -> Counter[str]:
    """The library's sink can't take another byte."""
    seen: Counter[str] = Counter()
    for _ in range(tries):
        try:
            with (
                Path("/dev/full").open("wb", buffering=0) as full,
                AudioWriter.open(server.target, CONFIG.config, full) as writer,
            ):
                for _ in range(500):
                    writer.write(FRAME)
        except OSError as error:
            seen[errno.errorcode[error.errno or 0]] += 1
    assert seen == {"ENOSPC": tries}
    return seen
