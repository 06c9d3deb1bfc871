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
from .exclusive import Exclusive
from .options import StreamOptions
from .pcm import PcmConverter, PcmReader
from .samples import Samples
from .stream_config import resolve, to_proto

MAX_RESPONSE_BYTES = 512 * 1024
"""Most encoded bytes in one message: well under the 1 MiB that the contract promises."""

RESAMPLE_MS = 4
"""Rough CPU time, in ms, to resample a second of audio."""

SLICE_MS = 10
"""A long message is encoded so much CPU time at a time, so that its first bytes are out before its last are in."""


class Session:
    """A state machine that takes requests and gives responses; each step of its generators is one slice of work."""

    def __init__(self) -> None:
        self.options: StreamOptions | None = None
        """What the stream was asked to be; None before its config."""
        self.bytes_out = 0
        self._config: pb.StreamConfig | None = None
        self._encoder: Encoder | None = None
        self._encoder_use = Exclusive(self._free)
        self._reader: PcmReader
        self._converter: PcmConverter
        self._gathers = False
        self._input_bytes = 0
        self._seconds_per_byte = 0.0
        self._ms_per_byte = 0.0
        self._slice_bytes = 0
        self._output_samples = 0
        self._hash = sha256()

    @property
    def input_seconds(self) -> float:
        """Seconds of audio taken in so far."""
        return self._input_bytes * self._seconds_per_byte

    def cost_ms(self, pcm_bytes: int) -> float:
        """Estimate of the CPU time, in ms, that `receive` will take for so much PCM."""
        return pcm_bytes * self._ms_per_byte

    def receive(self, request: pb.EncodeStreamRequest) -> Iterator[pb.EncodeStreamResponse]:
        """Take one request; give what it brings forth. Raises AudioWriterError."""
        if request.HasField("config"):
            yield from self._configure(request.config)
        if self._encoder is None or self.options is None:
            raise OutOfOrder("pcm before config: the first message must carry config", "CONFIG_MISSING")
        pcm = request.pcm
        self._input_bytes += len(pcm)
        for start in range(0, len(pcm), self._slice_bytes):
            part = pcm if len(pcm) <= self._slice_bytes else memoryview(pcm)[start : start + self._slice_bytes]
            samples = self._reader.read(part)
            if samples is not None:
                yield from self._chunks(self._encode(samples))
        if request.flush:
            data = self._encode_waiting()
            with self._encoder_use:
                data += self._encoder.flush()
            yield from self._chunks(data)
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
        yield from self._chunks(self._encode_waiting())
        samples = self._converter.finish()
        self._output_samples += len(samples)
        with self._encoder_use:
            data = self._encoder.encode(samples)
            end = self._encoder.finish()
        yield from self._chunks(data)
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
        """Free the encoder, at once or when the call that uses it ends. Idempotent, from any thread."""
        self._encoder_use.close()

    def _free(self) -> None:
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
        with self._encoder_use:
            self._encoder = encoder_class(options.output)
            head = self._encoder.start()
        per_second = spec.encode_ms_per_second * options.output.channels
        if not self._converter.keeps_rate:
            per_second += RESAMPLE_MS
        pcm = options.input
        # Samples may wait until the encoder can make something of them. Not floats, for NaN is to be refused at once, and
        # not where a resampler stands between, that gives what it likes.
        self._gathers = self._converter.keeps_rate and not pcm.sample_type.is_float
        self._seconds_per_byte = 1 / (pcm.frame_bytes * pcm.sample_rate_hz)
        self._ms_per_byte = per_second * self._seconds_per_byte
        self._slice_bytes = pcm.frame_bytes * max(1, int(SLICE_MS / per_second * pcm.sample_rate_hz))
        yield pb.EncodeStreamResponse(
            started=pb.StreamStarted(
                output=to_proto(options.output),
                mime_type=spec.mime_type,
                file_extension=spec.file_extension,
                encoder_delay_samples=self._encoder.delay_samples,
            )
        )
        yield from self._chunks(head)

    def _encode_waiting(self) -> bytes:
        return self._encode(self._reader.take()) if self._reader.waiting_frames else b""

    def _encode(self, samples: Samples) -> bytes:
        assert self._encoder is not None
        converted = self._converter.convert(samples)
        self._output_samples += len(converted)
        with self._encoder_use:
            data = self._encoder.encode(converted)
            if self._gathers:
                self._reader.want(self._encoder.wanted_samples)
        return data

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
