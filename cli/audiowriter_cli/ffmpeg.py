"""Decodes audio with PyAV, which contains FFmpeg, frame by frame."""

from collections.abc import Callable, Iterator
from itertools import chain, groupby
from typing import Any

import av
import click
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from audiowriter_cli.audio import BLOCK_FRAMES, PcmFormat, Source

_SAMPLE_FORMATS = {"u8": "u8", "s16": "s16le", "s32": "s32le", "flt": "f32le", "dbl": "f64le"}


class NoAudio(Exception):
    """The file has no audio stream, or none that FFmpeg can decode."""


def decode(container: InputContainer, name: str, more: Callable[[], bool] = lambda: True) -> Source:
    """Decode the best audio stream of `container`. FFmpeg removes the priming and padding that the file declares.

    Frames are joined into blocks as long as `more` returns True, that is, as long as reading on does not have to wait.

    Decodes the first frame immediately. Raises FFmpegError or NoAudio if that fails. The iterator of blocks raises
    ClickException with `name` if reading fails later.
    """
    stream = container.streams.best("audio")
    if not isinstance(stream, AudioStream):
        raise NoAudio
    frames = _frames(container, stream, name)
    first = next(frames, None)
    if first is None or first.format.packed.name not in _SAMPLE_FORMATS:
        raise NoAudio
    sample_format = _SAMPLE_FORMATS[first.format.packed.name]
    if sample_format == "s32le" and _bits(stream.codec_context) <= 24:
        sample_format = "s24le"
    blocks = (
        _samples(frame) >> 8 if sample_format == "s24le" else _samples(frame)  # FFmpeg uses the high bits
        for frame in _uniform(chain((first,), frames), _kind(first))
    )
    pcm = PcmFormat(sample_format, first.sample_rate, first.layout.nb_channels)
    return Source(pcm, _joined(blocks, more), _length(stream, first))


def _frames(container: InputContainer, stream: AudioStream, name: str) -> Iterator[AudioFrame]:
    damaged, decoded = 0, False
    try:
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:  # for example, a tag between two frames
                damaged += 1
                continue
            decoded = decoded or bool(frames)
            yield from frames
    except av.FFmpegError as error:
        raise click.ClickException(f"{name}: {error.strerror}") from error
    if damaged and decoded:
        click.echo(f"audiowriter: {name}: damaged packets skipped: {damaged}", err=True)


def _kind(frame: AudioFrame) -> tuple[str, int, int]:
    return frame.format.name, frame.layout.nb_channels, frame.sample_rate


def _uniform(frames: Iterator[AudioFrame], kind: tuple[str, int, int]) -> Iterator[AudioFrame]:
    # The number of channels or the sample rate may change, for example in a recorded broadcast.
    for one, group in groupby(frames, _kind):
        if one == kind:
            yield from group
            continue
        sample_format, channels, sample_rate_hz = kind
        resampler = av.AudioResampler(sample_format, f"{channels}c", sample_rate_hz)
        for frame in chain(group, (None,)):
            yield from resampler.resample(frame)


def _samples(frame: AudioFrame) -> NDArray[Any]:
    samples = frame.to_ndarray()
    return samples.T if frame.format.is_planar else samples.reshape(-1, frame.layout.nb_channels)


def _joined(blocks: Iterator[NDArray[Any]], more: Callable[[], bool]) -> Iterator[NDArray[Any]]:
    # One message per frame takes three times the CPU time.
    waiting, frames = [], 0
    for block in blocks:
        waiting.append(block)
        frames += len(block)
        if frames >= BLOCK_FRAMES or not more():
            yield np.concatenate(waiting)
            waiting, frames = [], 0
    if waiting:
        yield np.concatenate(waiting)


def _bits(codec: AudioCodecContext) -> int:
    # PyAV has no attribute for the number of bits that are used of a 32-bit sample.
    private = np.frombuffer(codec.extradata or b"", np.uint8)
    match codec.name:
        case "alac" if len(private) > 17:
            return int(private[17])  # ALACSpecificConfig, after a box header of 12 bytes
        case "flac" if len(private) >= 34:
            return int(private[-34:][12] % 2 << 4 | private[-34:][13] >> 4) + 1  # STREAMINFO, RFC 9639 section 8.2
        case name if name.startswith("pcm_s24"):
            return 24
        case _:
            return 32


def _length(stream: AudioStream, first: AudioFrame) -> int | None:
    if stream.duration is None or stream.time_base is None:
        return None
    return int(stream.duration * stream.time_base * first.sample_rate)
