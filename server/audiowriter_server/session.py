"""One stream, from its first message to its last. Knows the order of messages and the totals; knows no gRPC and no codec.

    receive(request)*  ->  started, (chunk | flushed)*
    finish()           ->  chunk*, finished
    close()                at any time, at least once

Rule 1: the first request carries the config; a later one may repeat it, but not change it.
Rule 2: `started` is the first response, `finished` the last; bytes come in order between them.
Rule 3: after an error only close may follow.
"""

from collections.abc import Iterator
from hashlib import sha256

from audiowriter.v1 import audio_writer_pb2 as pb

from .encoders import ENCODERS
from .encoders.base import Encoder
from .errors import OutOfOrder
from .options import StreamOptions
from .pcm import PcmConverter, PcmReader
from .stream_config import resolve, to_proto

MAX_RESPONSE_BYTES = 512 * 1024
"""Most encoded bytes in one message: well under the 1 MiB that the contract promises."""

RESAMPLE_MS = 4
"""Rough CPU time, in ms, to resample a second of audio."""

SLICES_PER_SECOND = 2
"""A long message is encoded half a second of audio at a time, so that its first bytes are out before its last are in."""


class Session:
    """A state machine that takes requests and gives responses; each step of its generators is one slice of work."""

    def __init__(self) -> None:
        self.options: StreamOptions | None = None
        """What the stream was asked to be; None before its config."""
        self.bytes_out = 0
        self._config: pb.StreamConfig | None = None
        self._encoder: Encoder | None = None
        self._reader: PcmReader
        self._converter: PcmConverter
        self._output_samples = 0
        self._hash = sha256()

    @property
    def input_samples(self) -> int:
        """Samples a channel taken in so far."""
        return 0 if self.options is None else self._reader.frames

    @property
    def input_seconds(self) -> float:
        """Seconds of audio taken in so far."""
        return 0 if self.options is None else self._reader.frames / self.options.input.sample_rate_hz

    def cost_ms(self, pcm_bytes: int) -> float:
        """Estimate of the CPU time, in ms, that `receive` will take for so much PCM."""
        if self.options is None:
            return 0
        pcm, output = self.options.input, self.options.output
        seconds = pcm_bytes / pcm.frame_bytes / pcm.sample_rate_hz
        per_second = ENCODERS[output.format].spec.encode_ms_per_second * output.channels
        return seconds * (per_second + (RESAMPLE_MS if pcm.sample_rate_hz != output.sample_rate_hz else 0))

    def receive(self, request: pb.EncodeStreamRequest) -> Iterator[pb.EncodeStreamResponse]:
        """Take one request; give what it brings forth. Raises AudioWriterError."""
        if request.HasField("config"):
            yield from self._configure(request.config)
        if self._encoder is None or self.options is None:
            raise OutOfOrder("pcm before config: the first message must carry config", "CONFIG_MISSING")
        pcm = memoryview(request.pcm)
        if pcm:
            step = self.options.input.frame_bytes * max(1, self.options.input.sample_rate_hz // SLICES_PER_SECOND)
            for start in range(0, len(pcm), step):
                samples = self._converter.convert(self._reader.read(pcm[start : start + step]))
                self._output_samples += len(samples)
                yield from self._chunks(self._encoder.encode(samples))
        if request.flush:
            yield from self._chunks(self._encoder.flush())
            yield pb.EncodeStreamResponse(
                flushed=pb.StreamFlushed(
                    offset=self.bytes_out, input_samples=self._reader.frames, held_samples=self._held_samples()
                )
            )

    def finish(self) -> Iterator[pb.EncodeStreamResponse]:
        """End the stream; give what is left, `finished` last. Raises AudioWriterError."""
        if self._encoder is None or self.options is None:
            raise OutOfOrder("end of stream before config: the first message must carry config", "CONFIG_MISSING")
        self._reader.end()
        samples = self._converter.finish()
        self._output_samples += len(samples)
        yield from self._chunks(self._encoder.encode(samples))
        end = self._encoder.finish()
        trailer = b""
        for whole in (*end.tail, end.trailer):
            for start in range(0, len(whole), MAX_RESPONSE_BYTES):
                piece = whole[start : start + MAX_RESPONSE_BYTES]
                if len(end.header) + len(trailer) + len(piece) > MAX_RESPONSE_BYTES:
                    yield from self._chunks(trailer)
                    trailer = b""
                trailer += piece
        self._hash.update(trailer)
        self.bytes_out += len(trailer)
        rate = self.options.output.sample_rate_hz
        finished = pb.StreamFinished(
            header=end.header,
            trailer=trailer,
            total_bytes=self.bytes_out,
            input_samples=self._reader.frames,
            output_samples=self._output_samples,
            delay_samples=self._encoder.delay_samples,
            padding_samples=end.padding_samples,
            sha256=self._hash.digest(),
            clipped_samples=self._converter.clipped,
            peak=self._reader.peak,
        )
        finished.duration.FromNanoseconds(self._output_samples * 1_000_000_000 // rate)
        yield pb.EncodeStreamResponse(finished=finished)

    def close(self) -> None:
        """Free the encoder. Idempotent."""
        if self._encoder is not None:
            self._encoder.close()

    def _configure(self, config: pb.StreamConfig) -> Iterator[pb.EncodeStreamResponse]:
        if self._config is not None:
            if config != self._config:
                raise OutOfOrder("config changed in the middle of a stream: open a new stream", "CONFIG_CHANGED")
            return
        options = resolve(config)
        encoder_class = ENCODERS[options.output.format]
        spec = encoder_class.spec
        self._config, self.options = config, options
        self._reader = PcmReader(options)
        self._converter = PcmConverter(options, keeps_overs=spec.lossless)
        self._encoder = encoder_class(options.output)
        yield pb.EncodeStreamResponse(
            started=pb.StreamStarted(
                output=to_proto(options.output),
                mime_type=spec.mime_type,
                file_extension=spec.file_extension,
                encoder_delay_samples=self._encoder.delay_samples,
            )
        )
        yield from self._chunks(self._encoder.start())

    def _chunks(self, data: bytes) -> Iterator[pb.EncodeStreamResponse]:
        for start in range(0, len(data), MAX_RESPONSE_BYTES):
            piece = data[start : start + MAX_RESPONSE_BYTES]
            self._hash.update(piece)
            chunk = pb.EncodedChunk(data=piece, offset=self.bytes_out, input_samples=self._reader.frames)
            self.bytes_out += len(piece)
            yield pb.EncodeStreamResponse(chunk=chunk)

    def _held_samples(self) -> int:
        assert self._encoder is not None
        return self._encoder.held_samples + self._converter.held_samples(self._reader.frames, self._output_samples)
