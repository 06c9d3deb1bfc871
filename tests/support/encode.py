"""Runs an AudioEncoder over PCM and collects its events, without server and protobuf."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from audiowriter_core import AudioEncoder, Chunk, Event, Finished, Flushed, Started
from audiowriter_core.options import StreamOptions
from numpy.typing import NDArray

Config = dict[str, Any]
"""Arguments of AudioEncoder."""

MAX_CHUNK_BYTES = 512 * 1024


@dataclass
class Request:
    """One step of a stream: a config in the first step, then PCM, then an optional flush."""

    config: Config | None = None
    pcm: bytes = b""
    flush: bool = False


@dataclass
class Encoded:
    """A finished stream."""

    chunks: list[Chunk] = field(default_factory=list)
    flushed: list[Flushed] = field(default_factory=list)
    ends: list[Started | Finished] = field(default_factory=list)
    """Both are set when the stream has ended."""

    @property
    def started(self) -> Started:
        assert isinstance(self.ends[0], Started)
        return self.ends[0]

    @property
    def finished(self) -> Finished:
        assert isinstance(self.ends[-1], Finished)
        return self.ends[-1]

    @property
    def live(self) -> bytes:
        """The bytes that a listener has received at the end."""
        return b"".join(chunk.data for chunk in self.chunks) + self.finished.trailer

    @property
    def file(self) -> bytes:
        """The file that a caller has stored at the end."""
        return self.finished.header + self.live[len(self.finished.header) :]


def config(
    name: str,
    rate: int = 24000,
    channels: int = 1,
    sample_format: str = "S16LE",
    *,
    out_rate: int | None = None,
    out_channels: int | None = None,
    out_sample_format: str | None = None,
    **output: Any,
) -> Config:
    """Return the arguments for the format of this name; `output`: further options of the file."""
    return {
        "format": name,
        "sample_rate_hz": rate,
        "channels": channels,
        "sample_format": sample_format,
        "output_sample_rate_hz": out_rate,
        "output_channels": out_channels,
        "output_sample_format": out_sample_format,
        **output,
    }


def resolve(wanted: Config) -> StreamOptions:
    """Return the resolved options of a config."""
    return AudioEncoder(**wanted).options


def collect(events: Iterable[Event], into: Encoded) -> None:
    """Sort events by kind, and check the order that the encoder promises."""
    for event in events:
        assert len(into.ends) < 2, "Finished is the last event"
        if isinstance(event, Started):
            assert not into.ends, "Started is the first event, once"
            into.ends.append(event)
            continue
        assert into.ends, "Started is the first event"
        if isinstance(event, Chunk):
            assert event.offset == sum(len(chunk.data) for chunk in into.chunks), "chunks are in order and without gaps"
            assert 0 < len(event.data) <= MAX_CHUNK_BYTES
            into.chunks.append(event)
        elif isinstance(event, Flushed):
            into.flushed.append(event)
        else:
            into.ends.append(event)


def run(requests: Iterable[Request]) -> Encoded:
    """Encode a whole stream."""
    encoded = Encoded()
    encoder: AudioEncoder | None = None
    for request in requests:
        if request.config is not None:
            encoder = AudioEncoder(**request.config)
            collect(encoder.start(), encoded)
        assert encoder is not None
        collect(encoder.write(request.pcm), encoded)
        if request.flush:
            collect(encoder.flush(), encoded)
    assert encoder is not None
    with encoder:
        collect(encoder.finish(), encoded)
    return encoded


def encode(wanted: Config, pcm: bytes, cuts: Iterable[int] = ()) -> Encoded:
    """Encode PCM that is cut at these positions."""
    edges = [0, *sorted(cuts), len(pcm)]
    return run([Request(wanted), *(Request(pcm=pcm[start:stop]) for start, stop in pairwise(edges))])


def real_speech() -> NDArray[np.int16]:
    """Return 8.9 s at 24 kHz, shape (frames, 1)."""
    path = Path(__file__).parents[2] / "demo" / "speech.flac"
    return np.asarray(soundfile.read(path, dtype="int16", always_2d=True)[0])


def speechlike(frames: int, rate: int = 24000, channels: int = 1) -> NDArray[np.int16]:
    """Return syllables of a voice-like tone with noise, shape (frames, channels); the same for the same arguments."""
    rng = np.random.default_rng(7)
    t = np.arange(frames)[:, None] / rate
    pitch = 2 * np.pi * (140 + 40 * np.arange(channels)) * t
    voice = sum(np.sin(harmonic * pitch) / harmonic for harmonic in range(1, 9))
    envelope = np.clip(np.sin(2 * np.pi * 3 * t), 0, 1)
    return np.asarray(6000 * envelope * voice + rng.normal(0, 30, (frames, channels))).round().astype(np.int16)
