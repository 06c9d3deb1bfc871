"""Saturate a server until stdin ends: `python -m lab.faults.bulk TARGET STREAMS [--replays]`.

With --replays, the streams are sent again after the loss of another server: their listeners have all bytes so far. It is a
separate process, so that sending does not slow down the process that measures.
"""

import sys
import threading
from collections.abc import Iterator

import grpc
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from audiowriter_core import FORMATS
from support.server import channel_to
from support.streams import config

from lab.faults.beside import RATE, speech

MESSAGE_S = 10
EFFORT = 10
COSTLIEST = max(FORMATS.values(), key=lambda kind: kind.codec.ms_per_second(EFFORT)).name
"""The most expensive format by the server's own estimate."""


_REPLAY = pb.ResumePoint(offset=1 << 40, sha256=bytes(32), serial=1)
"""A position that no stream here reaches, so that it is a replay until its end."""


def _requests(over: threading.Event, resume: pb.ResumePoint | None) -> Iterator[pb.EncodeStreamRequest]:
    yield pb.EncodeStreamRequest(config=config(COSTLIEST, RATE, effort=EFFORT), resume=resume)
    pcm = pb.EncodeStreamRequest(pcm=speech(MESSAGE_S * RATE * 2))
    while not over.is_set():
        yield pcm


def _stream(target: str, over: threading.Event, resume: pb.ResumePoint | None) -> None:
    with channel_to(target) as channel:
        responses = AudioWriterServiceStub(channel).EncodeStream(_requests(over, resume))
        try:
            for _ in responses:
                pass
        except grpc.RpcError:
            # The end of a replay that has not reached its position is an error.
            if resume is None or not over.is_set() or "RESUME_MISMATCH" not in str(responses.trailing_metadata()):
                raise


def main() -> None:
    """Run the streams."""
    target, count, resume = sys.argv[1], int(sys.argv[2]), _REPLAY if "--replays" in sys.argv else None
    over = threading.Event()
    streams = [threading.Thread(target=_stream, args=(target, over, resume)) for _ in range(count)]
    for stream in streams:
        stream.start()
    sys.stdin.read()
    over.set()
    for stream in streams:
        stream.join()


if __name__ == "__main__":
    main()
