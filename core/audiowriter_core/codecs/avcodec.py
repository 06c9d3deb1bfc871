"""FFmpeg's encoders through PyAV, one frame at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from ..audio.frames import FrameCutter
from ..audio.sample_types import Samples
from ..errors import EncodeError

LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""FFmpeg's names of the layouts in channels.LAYOUTS."""

PAY_BACK_S = 4.0
"""Shorter, and loud syllables are starved: at 1 s the spectrum of speech at 32 kbit/s is 1.2 dB further off."""


class AvcodecEncoder:
    """One native encoder: float samples in, packets out."""

    def __init__(
        self,
        codec: str,
        sample_rate: int,
        channels: int,
        bitrate: int,
        options: Mapping[str, str],
        *,
        holds_bitrate: bool = True,
    ) -> None:
        """`holds_bitrate`: the codec keeps to it by itself; else it is corrected after each packet."""
        self._planar = codec == "aac"
        # Made once: from a name each frame would look them up.
        self._format = av.AudioFormat("fltp" if self._planar else "flt")
        self._layout = av.AudioLayout(LAYOUTS[channels])
        try:
            context = av.CodecContext.create(codec, "w")
            assert isinstance(context, AudioCodecContext)
            context.sample_rate = sample_rate
            context.layout = self._layout
            context.format = self._format
            context.bit_rate = bitrate
            context.options = dict(options)
            context.open()
        except (av.FFmpegError, ValueError) as exc:
            raise EncodeError(f"{codec}: open: {exc}") from exc
        self._context: Any = context
        self._holds_bitrate = holds_bitrate
        self._bitrate = bitrate
        self._over_s = 0.0  # what was spent beyond the bitrate, in seconds of it
        self._frames = FrameCutter(context.frame_size)
        self._pts = 0
        self.frame_samples = context.frame_size
        """Samples a channel in one frame."""
        self.codec_header = bytes(context.extradata or b"")

    @property
    def wanted_samples(self) -> int:
        """Samples a channel until the next packet."""
        return self._frames.wanted

    def encode(self, samples: Samples) -> list[bytes]:
        """Give the packets that are ready after samples of shape (frames, channels)."""
        packets: list[bytes] = []
        for frame in self._frames.cut(samples):
            packets += self._send(frame)
        return packets

    def drain(self) -> list[bytes]:
        """Give all that is left. The codec fills the last frame up with silence."""
        rest = self._frames.rest()
        packets = [] if rest is None else self._send(rest)
        return packets + self._send(None)

    def close(self) -> None:
        """Free the encoder: PyAV does so with the last reference."""
        self._context = None

    def _send(self, samples: Samples | None) -> list[bytes]:
        frame = None
        if samples is not None:
            frame = av.AudioFrame(self._format, self._layout, len(samples))
            planes: Sequence[Any] = frame.planes  # typed for bytes; they take any buffer
            for plane, data in zip(planes, samples.T if self._planar else [samples], strict=True):
                plane.update(np.ascontiguousarray(data))
            frame.sample_rate = self._context.sample_rate
            frame.pts = self._pts
            self._pts += len(samples)
        # Not `encode`: it puts a filter graph in front of the codec, which starts two threads a stream to cut frames that
        # are cut already. PyAV does not promise this method: hence its upper bound in pyproject.toml, and the test that
        # counts threads.
        try:
            packets = [bytes(packet) for packet in self._context._send_frame_and_recv(frame)]
        except av.FFmpegError as exc:
            raise EncodeError(f"{self._context.name}: {exc}") from exc
        if not self._holds_bitrate:
            self._hold_bitrate(packets)
        return packets

    def _hold_bitrate(self, packets: list[bytes]) -> None:
        """Have what packets took beyond the bitrate paid back over PAY_BACK_S; what they left stays as long."""
        seconds = len(packets) * self.frame_samples / self._context.sample_rate
        over_s = self._over_s + sum(map(len, packets)) * 8 / self._bitrate - seconds
        self._over_s = max(-PAY_BACK_S, over_s)
        self._context.bit_rate = int(self._bitrate * min(1.1, max(0.5, 1 - self._over_s / PAY_BACK_S)))
