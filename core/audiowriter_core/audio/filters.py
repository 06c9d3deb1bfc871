"""A chain of FFmpeg's audio filters through PyAV: arrays in, frames out."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
import av.filter
import numpy as np

from ..errors import EncodeError
from .layouts import FFMPEG_NAMES
from .sample_types import Samples


class FilterChain:
    """Passes samples through filters, in order. It starts no threads."""

    def __init__(self, filters: Sequence[tuple[str, str]], sample_rate: int, channels: int) -> None:
        """`filters`: FFmpeg's names and options. The samples are float64."""
        self._rate = sample_rate
        self._format = av.AudioFormat("dbl")
        self._layout = av.AudioLayout(FFMPEG_NAMES[channels])
        self._channels = channels
        self._pts = 0
        graph = av.filter.Graph()
        graph.threads = 1  # by default, a graph starts one per core
        source = graph.add_abuffer(
            sample_rate=sample_rate, format="dbl", layout=FFMPEG_NAMES[channels], time_base=Fraction(1, sample_rate)
        )
        chain = [graph.add(name, options) for name, options in filters]
        graph.link_nodes(source, *chain, graph.add("abuffersink"))
        graph.configure()
        self._graph = graph

    def push(self, samples: Samples) -> Iterator[Any]:
        """Filter samples of shape (frames, channels); yield the frames that are ready."""
        if not len(samples):
            return
        frame = av.AudioFrame(self._format, self._layout, len(samples))
        plane: Any = frame.planes[0]  # PyAV's type hints accept bytes only, but any buffer works
        plane.update(np.ascontiguousarray(samples, np.float64))
        frame.sample_rate = self._rate
        frame.pts = self._pts
        self._pts += len(samples)
        yield from self._send(frame)

    def finish(self) -> Iterator[Any]:
        """End the input; yield the frames that were held."""
        yield from self._send(None)

    def samples(self, frame: Any) -> Samples:
        """Return a frame's samples, of shape (frames, channels)."""
        array: Samples = frame.to_ndarray().reshape(-1, self._channels)
        return array

    def _send(self, frame: Any) -> Iterator[Any]:
        try:
            self._graph.push(frame)
            while True:
                yield self._graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        except av.FFmpegError as exc:
            raise EncodeError(f"filter: {exc}") from exc
