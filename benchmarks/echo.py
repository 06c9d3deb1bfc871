"""The bare exchange: a grpc.aio server that encodes nothing and repeats the answers of a recorded stream.

    python benchmarks/echo.py PORT SCHEDULE

SCHEDULE is a file recorded by audiowriter-load: the sizes of the messages that arrived after each frame. The messages are
created before the first call, so the server only reads, serialises and writes.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import grpc
import uvloop
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1 import audio_writer_pb2_grpc as pb_grpc
from audiowriter_server.runtime.server import options  # the same channel, option by option
from audiowriter_server.runtime.settings import Settings


class Echo(pb_grpc.AudioWriterServiceServicer):
    """Answers each frame with the messages of the schedule."""

    def __init__(self, schedule: dict[str, Any]) -> None:
        self._after: defaultdict[int, list[pb.EncodeStreamResponse]] = defaultdict(list)
        for emission in schedule["emissions"]:
            size = emission["bytes"]
            # Numbers as large as real ones, because small ones are encoded in fewer bytes.
            chunk = pb.EncodedChunk(data=bytes(size), offset=emission["end"] - size, input_samples=emission["end"])
            self._after[emission["frame"]].append(pb.EncodeStreamResponse(chunk=chunk))
        self._finished = pb.EncodeStreamResponse(
            finished=pb.StreamFinished(
                totals=pb.Totals(file_bytes=schedule["total_bytes"], sent_sha256=bytes(32), file_crc32c=2**32 - 1)
            )
        )

    async def EncodeStream(self, request_iterator: object, context: grpc.aio.ServicerContext[Any, Any]) -> None:  # noqa: N802
        await context.read()
        await context.write(pb.EncodeStreamResponse(started=pb.StreamStarted()))
        frame = -1
        while True:
            for response in self._after.get(frame, ()):
                await context.write(response)
            if await context.read() is grpc.aio.EOF:
                break
            frame += 1
        await context.write(self._finished)


async def main(port: int, schedule: dict[str, Any]) -> None:
    """Serve until killed."""
    settings = Settings()
    server = grpc.aio.server(options=options(settings, settings.max_connections))
    pb_grpc.add_AudioWriterServiceServicer_to_server(Echo(schedule), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())))
