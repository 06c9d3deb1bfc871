"""Runs a session as the service does, and collects its responses."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core import FORMATS, AudioEncoder, InvalidArgument
from audiowriter_core.options import StreamOptions
from audiowriter_server.rpc import wire
from audiowriter_server.rpc.session import Session
from google.protobuf.duration_pb2 import Duration

from support.encode import speechlike

__all__ = ["NAMES", "Encoded", "collect", "config", "encode", "requests", "resolve", "run", "speechlike"]

NAMES = {name: kind.number for name, kind in FORMATS.items()}
"""The number of each format by its short name, in the order of the table."""


@dataclass
class Encoded:
    """A finished stream."""

    started: pb.StreamStarted = field(default_factory=pb.StreamStarted)
    chunks: list[pb.EncodedChunk] = field(default_factory=list)
    flushed: list[pb.StreamFlushed] = field(default_factory=list)
    finished: pb.StreamFinished = field(default_factory=pb.StreamFinished)

    @property
    def totals(self) -> pb.Totals:
        return self.finished.totals

    @property
    def live(self) -> bytes:
        """The bytes that a listener has received at the end."""
        return b"".join(chunk.data for chunk in self.chunks) + self.finished.trailer

    @property
    def file(self) -> bytes:
        """The file that a client has stored at the end."""
        return self.finished.header + self.live[len(self.finished.header) :]


def config(
    name: str,
    rate: int = 24000,
    channels: int = 1,
    sample_format: str = "S16LE",
    *,
    out_rate: int = 0,
    out_channels: int = 0,
    out_sample_format: str = "UNSPECIFIED",
    page_ms: float = 0,
    opus_frame_ms: float = 0,
    tags: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    **output: Any,
) -> pb.StreamConfig:
    """Return a config for the format of this name; `output`: further fields of AudioOutput."""
    pairs = tags.items() if isinstance(tags, Mapping) else tags
    return pb.StreamConfig(
        input=pb.PcmInput(
            sample_format=f"SAMPLE_FORMAT_{sample_format}",
            sample_rate_hz=rate,
            channels=channels,
        ),
        output=pb.AudioOutput(
            format=pb.AudioFormat.Name(NAMES[name]),
            sample_rate_hz=out_rate,
            channels=out_channels,
            sample_format=f"SAMPLE_FORMAT_{out_sample_format}",
            page=duration(page_ms),
            opus_frame=duration(opus_frame_ms),
            metadata=pb.Metadata(tags=[pb.Tag(name=name, value=value) for name, value in pairs]) if tags else None,
            **output,
        ),
    )


def duration(ms: float) -> Duration | None:
    """Return a duration; None for 0."""
    if not ms:
        return None
    message = Duration()
    message.FromNanoseconds(round(ms * 1e6))
    return message


def requests(stream_config: pb.StreamConfig, pieces: Iterable[bytes]) -> Iterator[pb.EncodeStreamRequest]:
    """Return the config, followed by the PCM."""
    yield pb.EncodeStreamRequest(config=stream_config)
    for piece in pieces:
        yield pb.EncodeStreamRequest(pcm=piece)


def resolve(stream_config: pb.StreamConfig) -> StreamOptions:
    """Return the resolved options of a config; raises the server's InvalidArgument."""
    try:
        return AudioEncoder(**wire.options(stream_config)).options
    except InvalidArgument as error:
        raise wire.invalid_argument(error) from error


def collect(responses: Iterable[pb.EncodeStreamResponse], into: Encoded) -> None:
    """Sort responses by kind, and check the order that the contract promises."""
    for response in responses:
        event = response.WhichOneof("event")
        assert not into.finished.HasField("totals"), "finished is the last response"
        if event == "started":
            assert not into.chunks and not into.flushed, "started is the first response"
            into.started.CopyFrom(response.started)
        elif event == "chunk":
            assert response.chunk.offset == len(into.live), "chunks are in order and without gaps"
            assert 0 < len(response.SerializeToString()) < 1024 * 1024
            into.chunks.append(response.chunk)
        elif event == "flushed":
            into.flushed.append(response.flushed)
        else:
            into.finished.CopyFrom(response.finished)


def run(all_requests: Iterable[pb.EncodeStreamRequest]) -> Encoded:
    """Run a whole stream through a session."""
    encoded = Encoded()
    session = Session()
    try:
        for request in all_requests:
            collect(session.receive(request), encoded)
        collect(session.finish(), encoded)
    finally:
        session.close()
    return encoded


def encode(stream_config: pb.StreamConfig, pcm: bytes, cuts: Iterable[int] = ()) -> Encoded:
    """Run PCM that is cut at these positions through a session."""
    edges = [0, *sorted(cuts), len(pcm)]
    return run(requests(stream_config, (pcm[start:stop] for start, stop in pairwise(edges))))
