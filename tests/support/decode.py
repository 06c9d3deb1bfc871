"""Decoders other than the libraries that wrote the files. All return shape (frames, channels)."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import av
import miniaudio
import numpy as np
import soundfile
from av.codec.context import Flags2
from numpy.typing import NDArray

from . import webm

Decoded = NDArray[Any]
Decoder = Callable[[bytes], Decoded]


def by_libsndfile(data: bytes, dtype: str = "float64") -> Decoded:
    return np.asarray(soundfile.read(BytesIO(data), dtype=dtype, always_2d=True)[0])


def by_miniaudio(data: bytes) -> Decoded:
    """dr_flac, dr_mp3, stb_vorbis: int16."""
    if data.startswith(b"OggS") and b"\x7fFLAC" in data[:64]:  # which `decode` would treat as Vorbis
        flac = miniaudio.flac_read_s16(data)
        return np.frombuffer(flac.samples, np.int16).reshape(-1, flac.nchannels)
    info = {
        b"fLaC": miniaudio.flac_get_info,
        b"OggS": miniaudio.vorbis_get_info,
    }.get(data[:4], miniaudio.mp3_get_info)(data)
    decoded = miniaudio.decode(data, nchannels=info.nchannels, sample_rate=info.sample_rate)
    return np.frombuffer(decoded.samples, np.int16).reshape(-1, info.nchannels)


def by_ffmpeg(data: bytes) -> Decoded:
    with av.open(BytesIO(data), "r") as container:
        stream = container.streams.audio[0]
        # Interleaved, because PyAV reads past the end of the list of planes when there are eight of them.
        to_packed = av.AudioResampler(stream.format.packed)
        frames = [packed for frame in container.decode(stream) for packed in to_packed.resample(frame)]
        channels = stream.channels
    if not frames:
        return np.zeros((0, channels))
    return np.concatenate([frame.to_ndarray().reshape(-1, channels) for frame in frames])


def by_frame_durations(data: bytes) -> Decoded:
    """Decode MP4 with FFmpeg, and trim each frame to its duration, which libavcodec leaves to its callers."""
    with av.open(BytesIO(data), "r") as container:
        stream = container.streams.audio[0]
        frames = [frame.to_ndarray().T[: frame.duration] for frame in container.decode(stream)]
        return np.concatenate([np.zeros((0, stream.channels)), *frames])


def by_blocks(data: bytes) -> Decoded:
    """Decode Opus in WebM with FFmpeg, at the rate of the input, trimmed by CodecDelay and DiscardPadding.

    The trimming is done here, because FFmpeg ignores one of the two if both apply to one packet.
    """
    with av.open(BytesIO(data), "r") as container:
        stream = container.streams.audio[0]
        stream.codec_context.flags2 |= Flags2.skip_manual
        decoded = np.concatenate([frame.to_ndarray().T for frame in container.decode(stream)])
    samples_per_ns = 48000 / 1e9  # Opus is decoded at 48 kHz
    delay = round(webm.number(webm.find(data, webm.CODEC_DELAY)[0]) * samples_per_ns)
    discarded = round(sum(map(webm.number, webm.find(data, webm.DISCARD_PADDING))) * samples_per_ns)
    input_rate = int.from_bytes(webm.find(data, webm.CODEC_PRIVATE)[0][12:16], "little")
    return decoded[delay : len(decoded) - discarded : 48000 // input_rate]


def by_samples(data: bytes) -> Decoded:
    """Decode raw S16LE mono."""
    return np.frombuffer(data, "<i2").reshape(-1, 1)


def by_raw_ffmpeg(codec: str) -> Decoder:
    """Decode raw G.711, 24 kHz mono."""

    def decode(data: bytes) -> Decoded:
        decoder: Any = av.CodecContext.create(codec, "r")
        decoder.sample_rate, decoder.layout = 24000, "mono"
        frames = decoder.decode(av.Packet(data)) if data else []
        return np.concatenate([np.zeros((0, 1)), *(frame.to_ndarray().reshape(-1, 1) for frame in frames)])

    return decode


@dataclass(frozen=True)
class Judge:
    """A decoder with a name for reports."""

    title: str
    decode: Decoder

    def __call__(self, data: bytes) -> Decoded:
        return self.decode(data)


JUDGES: dict[str, Judge] = {
    "wav": Judge("FFmpeg", by_ffmpeg),
    "vorbis": Judge("stb_vorbis", by_miniaudio),
    "opus": Judge("libsndfile (libopus)", by_libsndfile),
    "flac": Judge("dr_flac", by_miniaudio),
    "mp3": Judge("libsndfile (mpg123)", by_libsndfile),
    "aac": Judge("FFmpeg", by_ffmpeg),
    "pcm": Judge("numpy", by_samples),
    "wav-mulaw": Judge("FFmpeg", by_ffmpeg),
    "wav-alaw": Judge("FFmpeg", by_ffmpeg),
    "mulaw": Judge("FFmpeg", by_raw_ffmpeg("pcm_mulaw")),
    "alaw": Judge("FFmpeg", by_raw_ffmpeg("pcm_alaw")),
    "m4a": Judge("FFmpeg", by_frame_durations),
    "fmp4": Judge("FFmpeg", by_frame_durations),
    "webm": Judge("FFmpeg", by_blocks),
    "ogg-flac": Judge("dr_flac", by_miniaudio),
}
"""Decoders by the format's name, each different from the library that wrote the file."""
