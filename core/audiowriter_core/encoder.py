"""AudioEncoder encodes one stream. It takes PCM and returns events. It does no I/O, starts no threads and never waits.

    call            events that it returns
    start, write    Chunk*
    flush           Chunk*, Flushed
    finish          Chunk*, Finished

Rule 1: the first call also returns Started, before all other events. Chunks are in the order of the file.
Rule 2: to build the file, append every chunk and the trailer, then write the header at position 0.
Rule 3: after an error, only close is allowed. Close is always allowed, from any thread.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from secrets import randbelow

from .audio.arrays import Pcm, owned, sample_format_of, to_bytes
from .audio.timeline import Timeline
from .cost import Cost
from .description import PictureOptions, TagOptions
from .ending import cut_end, finished
from .errors import WrongState
from .events import Chunk, Event, Flushed, Started
from .late import DescribedCalls
from .options import MAX_SERIAL, EncoderOptions, StreamOptions
from .pipeline import Pipeline
from .resolve import resolve
from .sent import SentBytes

MAX_CHUNK_BYTES = 512 * 1024
"""Maximum number of bytes in one event. The service promises less than 1 MiB per message."""


class AudioEncoder(DescribedCalls):
    """Encodes PCM to one audio file.

        encoder = AudioEncoder(format="opus", sample_rate_hz=24_000)
        for block in blocks:
            for event in encoder.write(block): ...
        for event in encoder.finish(): ...

    No method waits, so the class also works with asyncio. Methods may be called from different threads, but only one at a
    time. Only `close` may be called at any time: if another call is running, native memory is freed when that call ends.
    """

    def __init__(
        self,
        *,
        format: str,  # noqa: A002 - the established name
        sample_rate_hz: int,
        channels: int = 1,
        sample_format: str | None = None,
        bitrate_bps: int | None = None,
        vbr_quality: float | None = None,
        effort: int | None = None,
        page_ms: float | None = None,
        opus_frame_ms: float | None = None,
        tags: TagOptions | None = None,
        pictures: PictureOptions = (),
        metadata_bytes: int = 0,
        gain_db: float = 0,
        true_peak_limit_dbtp: float | None = None,
        measure_loudness: bool = False,
        wav_header: str | None = None,
        max_gap_ms: float | None = None,
        max_skew_ms: float | None = None,
        max_jitter_ms: float | None = None,
        output_sample_rate_hz: int | None = None,
        output_channels: int | None = None,
        output_sample_format: str | None = None,
        serial: int | None = None,
    ) -> None:
        """Check the options. Raises InvalidArgument, which lists every bad option.

        format: a key of `FORMATS`, such as "mp3".
        sample_rate_hz, channels: of the PCM. 1 to 8 channels, in WAVE order.
        sample_format: of the PCM: "s16le", "s24le", "s32le", "f32le", "f64le" or "u8", or "mulaw" or "alaw" for G.711.
            Default: the dtype of the first array that is written, or "s16le" if the first write is bytes. An array of uint8
            is "u8" by default.
        bitrate_bps: bits per second, for all channels together. Excludes vbr_quality.
        vbr_quality: 0 (smallest file) to 1 (best quality). Excludes bitrate_bps.
        effort: 0 (fastest) to 10 (slowest, with the best result).
        page_ms: maximum duration, in ms, of the audio that is gathered for one page, cluster or fragment.
        opus_frame_ms: duration of an Opus frame: 2.5, 5, 10, 20, 40 or 60. Default: 20, or less if page_ms is less.
        tags: title, artist, album, date, genre, comment, track; a mapping, or pairs of name and value. Tags with an empty
            value are omitted. A file may have several artists and genres.
        pictures: the front cover: a JPEG or PNG file of at most 256 KiB, as bytes or as a Picture.
        metadata_bytes: room in the head for what `describe` adds later, up to 65,536 bytes; 4096 are enough for most files.
            M4A needs none.
        gain_db: gain in dB, -60 to 60.
        true_peak_limit_dbtp: limits the true peak to this many dB relative to full scale, -20 to 0. The limiter adds 5 ms
            of delay to the stream, not to the file.
        measure_loudness: measure the file's samples by EBU R 128, for `Finished.loudness`.
        wav_header: of a WAV file: "full" (default), or "minimal": 44 bytes, without tags, for one or two channels.
        max_gap_ms, max_skew_ms, max_jitter_ms: set one of them to write PCM with positions, or one channel at a time; the
            others then have their defaults. See `write`.
        output_sample_rate_hz, output_channels, output_sample_format: of the file. Default: those of the PCM, if the format
            allows them. Only files of G.711 have "mulaw" or "alaw".
        serial: 1 to 2**32 - 1: the serial number of an Ogg stream. A stream that is encoded again with the serial of its
            first `Started` has the same bytes. Default: random, because Ogg files that are concatenated need different ones.

        An option that is None has the format's default. `Started.output` has all values.
        """
        super().__init__()
        self._requested = EncoderOptions(
            format=format,
            sample_rate_hz=sample_rate_hz,
            channels=channels,
            sample_format=sample_format or "",
            bitrate_bps=bitrate_bps,
            vbr_quality=vbr_quality,
            effort=effort,
            page_ms=page_ms or 0,
            opus_frame_ms=opus_frame_ms or 0,
            tags=tags or (),
            pictures=pictures,
            metadata_bytes=metadata_bytes,
            gain_db=gain_db,
            true_peak_limit_dbtp=true_peak_limit_dbtp,
            measure_loudness=measure_loudness,
            wav_header=wav_header or "",
            max_gap_ms=max_gap_ms or 0,
            max_skew_ms=max_skew_ms or 0,
            max_jitter_ms=max_jitter_ms or 0,
            output_sample_rate_hz=output_sample_rate_hz or 0,
            output_channels=output_channels or 0,
            output_sample_format=output_sample_format or "",
            serial=serial or 1 + randbelow(MAX_SERIAL),
        )
        self.options: StreamOptions = resolve(self._requested)
        """The options with all defaults filled in. Without `sample_format`, the first array may still change them."""
        self.cost = Cost.of(self.options)
        """What the stream costs, per byte of PCM. It may change with the options."""
        self._frame_bytes = self.options.input.frame_bytes
        self._sent = SentBytes()
        self._joinable = self.options.output.format.joinable
        self.timeline = Timeline(self.options.input)
        """What waits for other channels and packets. Empty without positions."""
        self.takes_positions = self.options.input.max_skew_ms > 0
        """Whether `write` takes positions and single channels."""
        self.input_bytes = 0
        """Bytes of PCM received so far. With positions: those of the frames up to the last position."""

    @property
    def bytes_out(self) -> int:
        """Bytes of the file returned so far."""
        return self._sent.length

    @property
    def input_samples(self) -> int:
        """Complete samples per channel received so far, at the input's rate."""
        return self.input_bytes // self._frame_bytes

    @property
    def input_seconds(self) -> float:
        """Seconds of audio received so far."""
        return self.input_bytes / self.cost.bytes_per_second

    @property
    def held_bytes(self) -> int:
        """Bytes of PCM that were received and whose output was not returned yet, which `finish` still has to encode."""
        if self._pipeline is None:
            return 0
        source, output = self.options.input, self.options.output
        samples = self._pipeline.held_samples * source.sample_rate_hz / output.sample_rate_hz
        return (round(samples) + self.timeline.held) * source.frame_bytes

    def start(self) -> list[Event]:
        """Open the codec; return Started and the provisional header. Optional: the first other call does the same."""
        return self._call("start", lambda *_: None, b"")  # which starts the stream

    def write(self, pcm: Pcm, *, position: int | None = None, channel: int = 0) -> list[Event]:
        """Encode PCM: bytes cut anywhere, or an array of shape (n, channels), or (n,) for one channel.

        Often returns no events, because codecs gather whole frames. The buffer may be reused afterwards. Raises
        InvalidArgument for an array of another dtype or channel count, and for NaN or infinity. Raises EncodeError if the
        codec fails.

        position: of the first frame, in samples per channel since the start of the stream. Default: after the PCM before it,
            of the same channel. Gaps become silence, and overlaps are dropped. Refused if it is more than max_gap_ms
            (default: 300,000) after the end of the stream.
        channel: 1 to channels: `pcm` is this channel only. 0: all channels, interleaved. A stream has one or the other.

        Gaps wait for packets in another order, and frames for all channels, until they are max_skew_ms (default: 1000)
        behind the latest one. Then they are silent, and what comes later is dropped. With max_jitter_ms, positions have
        another clock, such as times of arrival: deviations of up to max_jitter_ms are no gaps, and resampling corrects
        clocks that differ by up to 500 ppm. Choose it shorter than PCM that may be lost. Default: positions are exact.
        """
        if self.takes_positions or channel or position is not None:
            return list(chain(*self.write_slices(pcm, position=position, channel=channel)))
        return self._call("write", self._write, pcm)

    def write_slices(self, pcm: Pcm, *, position: int | None = None, channel: int = 0) -> Iterator[list[Event]]:
        """As `write`, for streams with positions: in slices like those of `Cost`, however long the gap before `pcm` is."""

        def begin() -> Iterator[bytes | memoryview]:
            data = to_bytes(pcm, self.options.input, 1 if channel else 0)
            return self.timeline.add(data, position, channel, self.cost.slice_frames)

        return self._slices(begin, pcm)

    def finish_slices(self) -> Iterator[list[Event]]:
        """Encode what waits for other channels, in slices like those of `write_slices`. `finish` does it at once."""
        return self._slices(lambda: self.timeline.end(self.cost.slice_frames), b"")

    def flush(self) -> list[Event]:
        """Return the bytes that can already be written, such as a page that is not full. The last event is Flushed.

        The codec keeps an incomplete frame until more samples come.
        """
        return self._call("flush", self._flush, b"")

    def finish(self) -> list[Event]:
        """End the stream. The last event is Finished. Raises InvalidArgument if the PCM ends inside a frame."""
        return self._call("finish", self._finish, b"")

    def _begin(self, first: Pcm, events: list[Event]) -> Pipeline:
        if self._closed:  # close() has got the lock just before this call
            raise WrongState("the encoder is closed")
        requested = self._requested
        if not requested.sample_format and (found := sample_format_of(first)):
            self.options = resolve(replace(requested, sample_format=found))
            self.cost = Cost.of(self.options)
            self._frame_bytes = self.options.input.frame_bytes
            self.timeline = Timeline(self.options.input)
        pipeline = self._pipeline = self._new_pipeline()
        output = self.options.output
        kind = output.format
        events.append(Started(output, kind.mime_type, kind.file_extension, pipeline.delay_samples, output.serial))
        provisional_header = pipeline.start()
        self._sent.expect_header(provisional_header)
        self._add_chunks(provisional_header, events)
        return pipeline

    def _new_pipeline(self) -> Pipeline:
        return Pipeline(self.options)

    def _write(self, pipeline: Pipeline, pcm: Pcm, events: list[Event]) -> None:
        slices = self.cost.slices
        parts = slices(pcm) if isinstance(pcm, bytes) else map(owned, slices(to_bytes(pcm, self.options.input)))
        for part in parts:
            self.input_bytes += len(part)
            if encoded := pipeline.write(part):
                self._add_chunks(encoded, events)

    def _slices(self, begin: Callable[[], Iterator[bytes | memoryview]], pcm: Pcm) -> Iterator[list[Event]]:
        """Encode each part that `begin` yields in a call of its own."""
        parts: Iterator[bytes | memoryview] | None = None
        part: bytes | memoryview | None = b""

        def step(pipeline: Pipeline, _: Pcm, events: list[Event]) -> None:
            nonlocal parts, part
            parts = parts or begin()
            part = next(parts, None)
            self.input_bytes = self.timeline.received * self._frame_bytes
            if part and (encoded := pipeline.write(owned(part))):
                self._add_chunks(encoded, events)

        while part is not None:
            yield self._call("write", step, pcm)

    def _flush(self, pipeline: Pipeline, _: Pcm, events: list[Event]) -> None:
        self._add_chunks(pipeline.flush(), events)
        waiting = self.timeline.held * self.options.output.sample_rate_hz / self.options.input.sample_rate_hz
        events.append(Flushed(self.bytes_out, self.input_samples, pipeline.held_samples + round(waiting)))

    def _finish(self, pipeline: Pipeline, _: Pcm, events: list[Event]) -> None:
        for part in self.timeline.end(self.cost.slice_frames):
            self._add_chunks(pipeline.write(owned(part)), events)
        if self.takes_positions:
            self.input_bytes = self.timeline.received * self._frame_bytes
        self._add_chunks(pipeline.end_input(), events)
        if self._late is not None:
            self._late.finish(pipeline.output_samples)
        end = pipeline.finish()
        *parts, trailer = cut_end(end, MAX_CHUNK_BYTES)
        for part in parts:
            self._add_chunks(part, events)
        trailer = self._unheard(trailer)
        if end.replaced:
            self._sent.expect_header(end.replaced)
        self._sent.add(trailer)
        events.append(finished(end, trailer, self.options, pipeline, self.timeline, self._sent, self.input_samples))

    def _add_chunks(self, data: bytes, events: list[Event]) -> None:
        sent, input_samples = self._sent, self.input_bytes // self._frame_bytes
        while data:
            piece, data = data[:MAX_CHUNK_BYTES], data[MAX_CHUNK_BYTES:]  # no copy if it is all
            output_samples = self._pipeline.written_samples if self._joinable and self._pipeline and not data else 0
            events.append(Chunk(piece, sent.length, input_samples, output_samples))
            sent.add(piece)

    def _unheard(self, data: bytes) -> bytes:
        """Return those of the next bytes that the listener does not have: all of them, except in a ResumedEncoder."""
        return data
