"""The bare encoders: the server's libraries on the same samples in the same frames, without the rest of the server.

The output is discarded. Frames are cut and converted for the library before the clock starts.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import av
import lameenc
import numpy as np
import soundfile
from cases import RATE, Case

Engine = Callable[[Case, bytes, int], tuple[Callable[[Any], Any], Sequence[Any]]]
"""Takes a case, PCM and the bytes per frame; returns a function and the inputs to call it with, one per frame."""


LIVE_S = 1.0
BULK_S = 10.0
"""Seconds of the PCM that are encoded."""
BULK_TRIES = 3


def bulk_ms(case: Case, pcm: bytes, frame_ms: int) -> float:
    """Return CPU time, in ms, per second of audio of one encoder in a tight loop. The best of several runs counts, because
    the first one also allocates memory.
    """
    times = []
    for _ in range(BULK_TRIES):
        encode, inputs = ENGINES[case.name](case, pcm[: _size(BULK_S)], _size(frame_ms / 1000))
        begin = time.process_time()
        for one in inputs:
            encode(one)
        times.append(time.process_time() - begin)
    return min(times) * 1000 / BULK_S


def live_ms(case: Case, pcm: bytes, frame_ms: int, streams: int) -> float:
    """Return the same for several encoders that each receive a frame in real time, so that their caches are cold."""
    engines = [ENGINES[case.name](case, pcm[: _size(LIVE_S)], _size(frame_ms / 1000)) for _ in range(streams)]
    frames = len(engines[0][1])
    start, spent = time.perf_counter(), 0.0
    for number in range(frames):
        time.sleep(max(0.0, start + number * LIVE_S / frames - time.perf_counter()))
        begin = time.thread_time()
        for encode, inputs in engines:
            encode(inputs[number])
        spent += time.thread_time() - begin
    return spent * 1000 / (LIVE_S * streams)


def _size(seconds: float) -> int:
    return round(seconds * RATE) * 2


def _cut(data: Any, size: int) -> list[Any]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def _lame(case: Case, pcm: bytes, frame_bytes: int) -> tuple[Callable[[Any], Any], Sequence[Any]]:
    lame = lameenc.Encoder()
    lame.silence()
    lame.set_channels(1)
    lame.set_in_sample_rate(RATE)
    lame.set_out_sample_rate(RATE)
    lame.set_quality(3)
    lame.set_bit_rate(case.bitrate_bps // 1000)
    return lame.encode, _cut(pcm, frame_bytes)


def _avcodec(codec: str, options: dict[str, str], sample_format: str) -> Engine:
    def make(case: Case, pcm: bytes, frame_bytes: int) -> tuple[Callable[[Any], Any], Sequence[Any]]:
        context: Any = av.CodecContext.create(codec, "w")
        context.sample_rate, context.layout, context.format = RATE, "mono", sample_format
        context.bit_rate, context.options = case.bitrate_bps, options
        context.open()
        floats = np.frombuffer(pcm, np.int16).astype(np.float32) / 32768
        size = context.frame_size  # the codec's frame size, independent of the frames on the wire
        frames = []
        for number, block in enumerate(_cut(floats[: len(floats) // size * size], size)):
            frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), sample_format, "mono")
            frame.sample_rate, frame.pts = RATE, number * size
            frames.append(frame)
        # As in the server: without the filter graph that `encode` would put in front. It is a generator.
        return lambda frame: list(context._send_frame_and_recv(frame)), frames

    return make


def _sndfile(file_format: str, subtype: str, level: float | None) -> Engine:
    def make(case: Case, pcm: bytes, frame_bytes: int) -> tuple[Callable[[Any], Any], Sequence[Any]]:
        # A file without a name, which disappears with the last reference to it.
        file = soundfile.SoundFile(
            tempfile.TemporaryFile(),  # noqa: SIM115
            "w",
            RATE,
            1,
            subtype,
            format=file_format,
            compression_level=level,
        )
        return lambda frame: file.buffer_write(frame, "int16"), _cut(pcm, frame_bytes)

    return make


ENGINES: dict[str, Engine] = {
    "mp3": _lame,
    "aac": _avcodec("aac", {"aac_coder": "twoloop"}, "fltp"),
    "ogg_opus": _avcodec("libopus", {"compression_level": "10", "frame_duration": "20"}, "flt"),
    "flac": _sndfile("FLAC", "PCM_16", 0.6),
    "ogg_vorbis": _sndfile("OGG", "VORBIS", 0.6),
    "wav": _sndfile("WAV", "PCM_16", None),
}
