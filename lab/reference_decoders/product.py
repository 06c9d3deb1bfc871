"""One file that a real server encoded: as it was streamed, and as it is stored."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import google_crc32c
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from support.server import ServerProcess, channel_to

from lab.reference_decoders.signals import BITS, Signal, to_bytes

MESSAGE_BYTES = 64 * 1024
CRC_BLOCK_BYTES = 1 << 20


def metadata(tags: Mapping[str, str], *pictures: bytes) -> pb.Metadata:
    """Return tags in their order, and pictures."""
    return pb.Metadata(
        tags=[pb.Tag(name=name, value=value) for name, value in tags.items()],
        pictures=[pb.Picture(data=data) for data in pictures],
    )


@dataclass(frozen=True)
class Order:
    """The request to the server, except the PCM."""

    info: pb.FormatInfo
    rate: int
    """Sample rate of input and output, in Hz."""
    channels: int = 1
    input_format: pb.SampleFormat = pb.SAMPLE_FORMAT_S16LE
    output: pb.AudioOutput = field(default_factory=pb.AudioOutput)
    """Options other than format, rate and channels."""
    later: pb.EncodeStreamRequest = field(default_factory=pb.EncodeStreamRequest)
    """Tags and markers that are sent after the PCM."""

    def __str__(self) -> str:
        pcm = pb.SampleFormat.Name(self.input_format).removeprefix("SAMPLE_FORMAT_").lower()
        name = f"{self.info.name}-{self.rate}Hz-{self.channels}ch-{pcm}"
        if self.output.sample_format:
            name += "-" + pb.SampleFormat.Name(self.output.sample_format).removeprefix("SAMPLE_FORMAT_").lower()
        if self.later.markers:
            name += "-late"
        if self.output.metadata.pictures:
            name += "-cover"
        if self.output.wav_header:
            name += "-" + pb.WavHeader.Name(self.output.wav_header).removeprefix("WAV_HEADER_").lower()
        rate = self.output.WhichOneof("rate")
        return f"{name}-{getattr(self.output, rate):g}" if rate else name

    @property
    def config(self) -> pb.StreamConfig:
        output = pb.AudioOutput(format=self.info.format, sample_rate_hz=self.rate, channels=self.channels)
        output.MergeFrom(self.output)
        pcm = pb.PcmInput(sample_format=self.input_format, sample_rate_hz=self.rate, channels=self.channels)
        return pb.StreamConfig(input=pcm, output=output)

    @property
    def tags(self) -> dict[str, str]:
        return {tag.name: tag.value for tag in (*self.output.metadata.tags, *self.later.metadata.tags)}

    @property
    def bits(self) -> int:
        """Return the number of bits per sample that a lossless file can store without loss."""
        kept = self.output.sample_format or self.input_format
        widest = max(BITS[number] for number in self.info.sample_formats)
        return min(BITS[self.input_format], BITS[kept], widest)


@dataclass(frozen=True)
class Product:
    """The result of an order."""

    order: Order
    signal: Signal
    started: pb.StreamStarted
    finished: pb.StreamFinished
    live: Path
    """The file as it was streamed: chunks and trailer."""
    file: Path
    """The file as it is stored: with the final header."""

    @property
    def totals(self) -> pb.Totals:
        return self.finished.totals

    @property
    def frames(self) -> int:
        """Samples per channel that decoders should return, including delay and padding for formats that are not exact."""
        extra = 0 if self.order.info.sample_exact else self.totals.delay_samples + self.totals.padding_samples
        return len(self.signal) + extra


@contextmanager
def running_server() -> Iterator[AudioWriterServiceStub]:
    """Start a server in a separate process."""
    with ServerProcess("--max-sample-rate-hz=0", "--max-rate-ratio=1000") as server, channel_to(server) as channel:
        yield AudioWriterServiceStub(channel)


def make(stub: AudioWriterServiceStub, order: Order, signal: Signal, folder: Path) -> Product:
    """Stream a signal through the server and write both files to a folder."""
    pcm = to_bytes(signal, order.input_format)
    requests = [pb.EncodeStreamRequest(config=order.config)]
    requests += [pb.EncodeStreamRequest(pcm=pcm[at : at + MESSAGE_BYTES]) for at in range(0, len(pcm), MESSAGE_BYTES)]
    requests.append(order.later)
    responses = list(stub.EncodeStream(iter(requests)))
    started, finished = responses[0].started, responses[-1].finished
    live = b"".join(response.chunk.data for response in responses) + finished.trailer
    assert len(live) == finished.totals.file_bytes
    assert sha256(live).digest() == finished.totals.sent_sha256
    suffix = started.file_extension
    product = Product(order, signal, started, finished, folder / f"live{suffix}", folder / f"file{suffix}")
    product.live.write_bytes(live)
    product.file.write_bytes(finished.header + live[len(finished.header) :])
    assert crc32c_on_disk(product.file) == finished.totals.file_crc32c
    return product


def crc32c_on_disk(path: Path) -> int:
    """Return the CRC-32C of a file, read block by block; Google's library shares no code with the product's."""
    crc = 0
    with path.open("rb") as file:
        while block := file.read(CRC_BLOCK_BYTES):
            crc = google_crc32c.extend(crc, block)
    return crc
