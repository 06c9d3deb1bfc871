"""What a stream costs: CPU time, memory and bytes of output, estimated from its options alone.

The estimates are upper bounds for ordinary audio. Callers that must not block, such as an event loop, use them to decide
where to run a call. Long writes are encoded in slices that are bounded in both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .options import StreamOptions

SLICE_MS = 10
"""Target CPU time, in ms, per slice. A server can send the bytes of one slice before it encodes the next one."""

SLICE_BYTES = 256 * 1024
"""Maximum output, in bytes, per slice. It bounds the memory of a stream whose output is much larger than its input."""

_CODEC_RATE = 24_000
"""Sample rate, in Hz, that `CodecSpec.encode_ms_per_second` refers to. Higher rates cost more, in proportion."""

_RESAMPLE_MS = 1.0
"""CPU time, in ms, to resample one second of one channel, per 48,000 samples of input and output together. soxr takes 0.2 to
1.2 ms between rates of 1 to 768 kHz."""

_RESAMPLER_BYTES = 3 * 512 * 1024
_RESAMPLER_CHANNEL_BYTES = 512 * 1024
"""Memory of a resampler, and of each of its channels. soxr takes 1.4 to 1.6 MB for one channel and 2.2 to 4.1 for eight."""

_MIX_MS = 0.35
"""CPU time, in ms, to mix one second at 48 kHz, for each pair of an input and an output channel. 0.2 to 0.35 ms were
measured."""

_LOUDNESS_MS = 2.5
_LIMITER_MS = 12.0
"""CPU time, in ms, to measure and to limit one second of one channel at 48 kHz. For loudness 0.6 to 2.5 ms were measured:
the more often a new peak is possible, the more."""

_LOUDNESS_S = 3.4
"""Audio that FFmpeg's ebur128 keeps as float64, in seconds."""

_FILTER_BYTES = 2 * 1024 * 1024
_FILTER_CHANNEL_BYTES = 512 * 1024
"""Memory of a chain of FFmpeg's filters with its blocks, and of each of its channels. 4 to 5 MB for eight were measured."""
_DRIFT_MS = 25.0
"""CPU time, in ms, to correct the clock of one channel for one second at 48 kHz. 11 to 28 ms were measured."""

_DRIFT_BYTES = 4 * 1024 * 1024
"""Memory to correct clocks: the gains and samples of 1024 points, and a table."""

_FRAME_MS = 0.04
"""CPU time, in ms, of an Opus frame apart from its audio. One second of speech takes 5.3 ms in frames of 20 ms, and 14.5 ms
in frames of 2.5 ms."""

_COPIES = 8
"""Copies of the head that a stream and its server may hold at the same time: the config, the provisional and the final
header, and the messages that contain them."""

_OPUS_FRAMES_PER_S = 50
"""Opus frames per second that `CodecSpec.encode_ms_per_second` includes."""


@dataclass(frozen=True)
class Cost:
    """The cost of one stream, per byte of PCM."""

    ms_per_byte: float
    """CPU time, in ms."""
    output_per_byte: float
    """Maximum bytes of output, apart from headers and pages."""
    slice_bytes: int
    """Bytes of PCM, in whole frames, that take at most SLICE_MS and become at most SLICE_BYTES. At least one frame."""
    memory_bytes: int
    """Maximum memory of the codec, the resampler and the head of the file."""
    bytes_per_second: int
    """Bytes of PCM per second of audio."""
    slice_frames: int
    """Frames in `slice_bytes`."""

    def slices(self, pcm: bytes | memoryview) -> Sequence[bytes | memoryview]:
        """Cut PCM into slices of at most `slice_bytes`. There is at least one, which is empty if `pcm` is."""
        if len(pcm) <= self.slice_bytes:
            return (pcm,)
        view = memoryview(pcm)
        return [view[start : start + self.slice_bytes] for start in range(0, len(pcm), self.slice_bytes)]

    @classmethod
    def of(cls, options: StreamOptions) -> "Cost":
        """Return the cost of a stream with these options. They must come from `resolve`."""
        source, output = options.input, options.output
        codec = output.format.codec
        # In base64, pictures are a third longer.
        head_bytes = output.metadata_bytes + sum(len(one.data) * 4 // 3 for one in output.pictures)
        memory = codec.memory_bytes + _COPIES * head_bytes
        ms = codec.ms_per_second(output.effort) * output.channels * max(1, output.sample_rate_hz / _CODEC_RATE)
        if output.opus_frame_ms:
            ms += _FRAME_MS * max(0, 1000 / output.opus_frame_ms - _OPUS_FRAMES_PER_S)
        if source.sample_rate_hz != output.sample_rate_hz:
            channels = min(source.channels, output.channels)
            memory += _RESAMPLER_BYTES + _RESAMPLER_CHANNEL_BYTES * channels
            ms += _RESAMPLE_MS * channels * (source.sample_rate_hz + output.sample_rate_hz) / 48_000
        if source.channels != output.channels:
            rate = source.sample_rate_hz if output.channels < source.channels else output.sample_rate_hz
            ms += _MIX_MS * source.channels * output.channels * rate / 48_000
        level = output.level
        file_samples = output.sample_rate_hz * output.channels
        filter_memory = _FILTER_BYTES + _FILTER_CHANNEL_BYTES * output.channels
        if level.measure_loudness:
            ms += _LOUDNESS_MS * file_samples / 48_000
            memory += filter_memory + int(_LOUDNESS_S * file_samples * 8)
        if level.true_peak_limit_dbtp is not None:
            ms += _LIMITER_MS * file_samples / 48_000
            memory += filter_memory
        if source.max_jitter_ms:
            memory += _DRIFT_BYTES
            ms += _DRIFT_MS * source.channels * source.sample_rate_hz / 48_000
        # No lossy format is larger than its samples.
        output_bytes = file_samples * output.sample_type.width
        seconds = min(SLICE_MS / ms, SLICE_BYTES / output_bytes)
        input_bytes = source.sample_rate_hz * source.frame_bytes
        slice_frames = max(1, int(seconds * source.sample_rate_hz))
        if source.max_skew_ms:
            # Frames that wait, and marks which channels have them. They are copied to grow, into room for twice as many.
            held = max(source.frames(source.max_skew_ms), slice_frames)
            memory += 4 * held * (source.frame_bytes + source.channels)
        return cls(
            ms_per_byte=ms / input_bytes,
            output_per_byte=output_bytes / input_bytes,
            slice_bytes=source.frame_bytes * slice_frames,
            memory_bytes=memory,
            bytes_per_second=input_bytes,
            slice_frames=slice_frames,
        )
