"""Saturate a server until stdin ends: `python -m lab.faults.bulk TARGET STREAMS`.

It is a separate process, so that sending does not slow down the process that measures.
"""

import sys
import threading
from collections.abc import Iterator

from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from audiowriter_core import FORMATS
from support.server import channel_to
from support.streams import config

from lab.faults.beside import RATE, speech

MESSAGE_S = 10
COSTLIEST = max(FORMATS.values(), key=lambda kind: kind.codec.encode_ms_per_second).name
"""The most expensive format by the server's own estimate."""


def _requests(over: threading.Event) -> Iterator[pb.EncodeStreamRequest]:
    yield pb.EncodeStreamRequest(config=config(COSTLIEST, RATE, effort=10))
    pcm = pb.EncodeStreamRequest(pcm=speech(MESSAGE_S * RATE * 2))
    while not over.is_set():
        yield pcm


def _stream(target: str, over: threading.Event) -> None:
    with channel_to(target) as channel:
        for _ in AudioWriterServiceStub(channel).EncodeStream(_requests(over)):
            pass


def main() -> None:
    """Run the streams."""
    target, count = sys.argv[1], int(sys.argv[2])
    over = threading.Event()
    streams = [threading.Thread(target=_stream, args=(target, over)) for _ in range(count)]
    for stream in streams:
        stream.start()
    sys.stdin.read()
    over.set()
    for stream in streams:
        stream.join()


if __name__ == "__main__":
    main()
