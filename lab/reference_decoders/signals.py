"""The input signals: a different tone on each channel, and speech; and their bytes, made without the server's code."""

from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from audiowriter.v1 import audio_writer_pb2 as pb
from numpy.typing import NDArray

Signal = NDArray[np.float64]
"""Shape (frames, channels), full scale at ±1."""

SPEECH_RATE = 24_000
LOW_FREQUENCY_CHANNEL = 3
"""Index of the LFE channel in layouts of six and more channels. AAC keeps twelve spectral lines of it: 46 Hz at 8 kHz."""

BITS = {
    pb.SAMPLE_FORMAT_S16LE: 16,
    pb.SAMPLE_FORMAT_S24LE: 24,
    pb.SAMPLE_FORMAT_S32LE: 32,
    pb.SAMPLE_FORMAT_F32LE: 24,
    pb.SAMPLE_FORMAT_F64LE: 32,
    pb.SAMPLE_FORMAT_U8: 8,
    pb.SAMPLE_FORMAT_MULAW: 16,
    pb.SAMPLE_FORMAT_ALAW: 16,
}
"""Widest integer, in bits, whose values each sample format can represent; F64LE can represent more than is used. G.711: that
of the samples that it is encoded from."""

EXACT = sorted(set(BITS) - {pb.SAMPLE_FORMAT_MULAW, pb.SAMPLE_FORMAT_ALAW})
"""Sample formats that represent all these values."""

FFMPEG_NAMES = {
    pb.SAMPLE_FORMAT_S16LE: "s16le",
    pb.SAMPLE_FORMAT_S24LE: "s24le",
    pb.SAMPLE_FORMAT_S32LE: "s32le",
    pb.SAMPLE_FORMAT_F32LE: "f32le",
    pb.SAMPLE_FORMAT_F64LE: "f64le",
    pb.SAMPLE_FORMAT_U8: "u8",
}

_SPEECH = Path(__file__).parents[2] / "demo" / "speech.flac"


def frequencies(rate: int, channels: int) -> list[float]:
    """Return the frequency of each channel in Hz: low enough for every codec at every rate."""
    base = min(rate, 8000)
    tones = [base * (0.04 + 0.02 * channel) for channel in range(channels)]
    if channels > LOW_FREQUENCY_CHANNEL + 2:
        tones[LOW_FREQUENCY_CHANNEL] = base * 0.004
    return tones


def tones(rate: int, channels: int, frames: int, bits: int) -> Signal:
    """Return half-scale tones whose samples are multiples of 2**(1 - bits), which a format of that width stores exactly."""
    time = np.arange(frames)[:, None] / rate
    wave = 0.5 * np.sin(2 * np.pi * np.array(frequencies(rate, channels)) * time)
    step = 2.0 ** (bits - 1)
    return np.rint(wave * step) / step


def to_bytes(signal: Signal, sample_format: pb.SampleFormat) -> bytes:
    """Return interleaved PCM; the samples must be exact in the sample format."""
    if sample_format == pb.SAMPLE_FORMAT_F32LE:
        return signal.astype("<f4").tobytes()
    if sample_format == pb.SAMPLE_FORMAT_F64LE:
        return signal.astype("<f8").tobytes()
    bits = BITS[sample_format]
    whole = np.rint(signal * 2.0 ** (bits - 1)).astype(np.int64)
    if sample_format == pb.SAMPLE_FORMAT_U8:
        return (whole + 128).astype(np.uint8).tobytes()
    low_bytes: NDArray[Any] = np.ascontiguousarray(whole.astype("<i8")).view(np.uint8).reshape(-1, 8)[:, : bits // 8]
    return low_bytes.tobytes()


def speech() -> NDArray[np.int16]:
    """Return the repository's speech sample: mono, 16 bits, at SPEECH_RATE."""
    samples: NDArray[np.int16] = soundfile.read(_SPEECH, dtype="int16")[0]
    return samples
