"""Makes audio files with the FFmpeg inside PyAV."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

MP3_FRAME = b"\xff\xfb\x90\x64".ljust(417, b"\0")
ADTS_FRAME = b"\xff\xf1\x50\x80\x1a\x00\x00\x00".ljust(208, b"\0")
TS_PACKET = b"G\x01\x02\x03".ljust(188, b"\0")


def write(
    path: Path, samples: NDArray[Any], rate_hz: int, codec: str, *, options: dict[str, str] | None = None
) -> Path:
    """Encode `samples`, of shape (n, channels) and of a dtype that the codec accepts."""
    with av.open(path, "w", options=options or {}) as container:
        layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        assert isinstance(stream, AudioStream)
        stream.format = _planar(samples.dtype)
        for start in range(0, len(samples), 4096):
            block = np.ascontiguousarray(samples[start : start + 4096].T)
            frame = av.AudioFrame.from_ndarray(block, stream.format.name, layout)
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _planar(dtype: np.dtype[Any]) -> av.AudioFormat:
    return av.AudioFormat({"int16": "s16p", "int32": "s32p", "float32": "fltp"}[dtype.name])
