"""The processing steps of one stream: reader, converter, encoder. The whole pipeline is built once per stream."""

from .audio.converter import PcmConverter
from .audio.loudness import Loudness, LoudnessMeter
from .audio.reader import PcmReader
from .description import Description
from .muxers.base import Finish
from .muxers.room import Describable
from .options import StreamOptions
from .packet_encoder import PacketEncoder


class Pipeline:
    """Turns PCM bytes into file bytes. The constructor opens the native encoder, and `close` frees it."""

    def __init__(self, options: StreamOptions) -> None:
        source, output = options.input, options.output
        codec = output.format.codec
        self._reader = PcmReader(source)
        self._converter = PcmConverter(options, clip_floats=not codec.lossless)
        self._encoder = output.format.open(output)
        # The reader gathers samples until the encoder can return bytes, which saves calls. It does not gather floats,
        # because NaN must be rejected at once, and not before a resampler or limiter, whose output varies in length.
        self._gathers = codec.lookahead_samples > 0 and self._converter.keeps_length and not source.sample_type.is_float
        self._meter = None
        if output.level.measure_loudness:
            self._meter = LoudnessMeter(output.sample_type, output.sample_rate_hz, output.channels)
        self.delay_samples = self._encoder.delay_samples

    @property
    def output_samples(self) -> int:
        """Samples per channel, at the file's rate, passed to the encoder so far."""
        return self._encoder.samples

    @property
    def held_samples(self) -> int:
        """Samples per channel, at the file's rate, that were received but whose bytes were not returned yet."""
        return self._encoder.held_samples + self._converter.held_samples(self._reader.frames, self.output_samples)

    @property
    def written_samples(self) -> int:
        """Samples per channel, at the file's rate, whose bytes were returned, without the codec's delay."""
        return self.output_samples - self._encoder.held_samples

    @property
    def watched_end(self) -> int | None:
        """Position of the byte that follows the watched samples. None: they are not complete yet."""
        watched = self._packet_encoder.watched
        return watched.end if watched else None

    @property
    def clipped_samples(self) -> int:
        """Samples, summed over all channels, that were clipped."""
        return self._converter.clipped

    @property
    def peak(self) -> float:
        """Largest absolute sample value of the input; 1.0 is full scale."""
        return self._reader.peak

    @property
    def loudness(self) -> Loudness | None:
        """Loudness of the file's samples so far; None if it is not measured."""
        return None if self._meter is None else self._meter.value()

    def start(self) -> bytes:
        """Return the provisional header."""
        return self._encoder.start()

    def write(self, pcm: bytes | memoryview) -> bytes:
        """Encode PCM, cut anywhere; return the bytes that are ready."""
        samples = self._reader.read(pcm)
        if samples is None:
            return b""
        converted = self._converter.convert(samples)
        if self._meter is not None:
            self._meter.add(converted)
        data = self._encoder.encode(converted)
        if self._gathers:
            self._reader.set_minimum(self._encoder.wanted_samples)
        return data

    def describe(self, description: Description) -> None:
        """Replace what describes the audio. Raises NoRoom if it does not fit. Only for formats with tags."""
        assert isinstance(self._encoder, Describable)
        self._encoder.describe(description)

    def flush(self) -> bytes:
        """Return the bytes that can already be written, such as a page that is not full."""
        return self._write_pending() + self._encoder.flush()

    def end_input(self) -> bytes:
        """Encode the last samples; return the bytes that are ready.

        Raises InvalidArgument if the PCM ends inside a frame.
        """
        self._reader.end()
        data = self._write_pending()
        rest = self._converter.finish()
        if self._meter is not None:
            self._meter.add(rest)
        return data + self._encoder.encode(rest)

    def finish(self) -> Finish:
        """Return what completes the file."""
        return self._encoder.finish()

    def watch(self, samples: int) -> None:
        """Find the byte where these samples per channel end. Only for joinable formats, before `start`."""
        self._packet_encoder.watch(samples)

    def go_on(self, offset: int) -> None:
        """Go on with a listener who has `offset` bytes, from another encoder, for the watched samples."""
        watched = self._packet_encoder.watched
        assert watched is not None
        watched.go_on(offset)

    def close(self) -> None:
        """Free the native encoder. Idempotent."""
        self._encoder.close()

    @property
    def _packet_encoder(self) -> PacketEncoder:
        assert isinstance(self._encoder, PacketEncoder)
        return self._encoder

    def _write_pending(self) -> bytes:
        if not self._reader.pending_frames:
            return b""
        self._reader.set_minimum(1)
        return self.write(b"")
