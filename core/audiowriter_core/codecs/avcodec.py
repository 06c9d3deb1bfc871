"""FFmpeg's encoders through PyAV, one frame at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from ..audio.frames import FrameCutter
from ..audio.layouts import FFMPEG_NAMES
from ..audio.sample_types import Samples
from ..errors import EncodeError

OPENING_SHARE = 0.95
"""Share of the bitrate at which a codec that does not hold its bitrate is opened.

FFmpeg's AAC encoder plans its frames for the bitrate at which it was opened. A lower bitrate, set later, conflicts with
that plan: opened at its full bitrate, it loses up to 0.13 MOS (ViSQOL) on stereo music at 96 kbit/s, and 0.09 at 128. A
higher one lowers the SNR, but not the MOS. On music the encoder exceeds its bitrate by 7 % at most, so most corrections stay
above the opening bitrate.
"""
PAY_BACK_S = 4.0
"""Time, in s, over which the codec pays back a debt, and the largest credit. A shorter time takes bits away from loud
syllables: at 1 s the segmental SNR of synthetic speech at 32 kbit/s falls by 0.7 dB."""


class AvcodecEncoder:
    """One native encoder: samples in, packets out."""

    def __init__(
        self,
        codec: str,
        sample_rate: int,
        channels: int,
        bitrate: int,
        options: Mapping[str, str],
        *,
        sample_format: str = "flt",
        holds_bitrate: bool = True,
        holds_last_frame: bool = False,
    ) -> None:
        """Open the codec.

        `bitrate`: 0 for a codec that has none. `sample_format`: FFmpeg's name of the codec's sample format; the dtype of the
        samples must fit it. `holds_bitrate`: the codec holds its bitrate itself; if not, it is corrected after each packet.
        `holds_last_frame`: keep a full frame until the next sample, so that `drain` always returns the last packet.
        """
        # Made once: from a name each frame would look them up.
        self._format = av.AudioFormat(sample_format)
        self._planar = self._format.is_planar
        self._layout = av.AudioLayout(FFMPEG_NAMES[channels])
        try:
            context = av.CodecContext.create(codec, "w")
            assert isinstance(context, AudioCodecContext)
            context.sample_rate = sample_rate
            context.layout = self._layout
            context.format = self._format
            context.bit_rate = bitrate if holds_bitrate else round(bitrate * OPENING_SHARE)
            context.options = dict(options)
            context.open()
        except (av.FFmpegError, ValueError) as exc:
            raise EncodeError(f"{codec}: open: {exc}") from exc
        self._context: Any = context
        self._holds_bitrate = holds_bitrate
        self._bitrate = bitrate
        self._debt_s = 0.0
        self._frames = FrameCutter(context.frame_size, holds_last=holds_last_frame)
        self._pts = 0
        self.frame_samples = context.frame_size
        """Samples per channel in one frame."""
        self.codec_header = bytes(context.extradata or b"")
        """Setup data for the container. FLAC's has totals after `drain`."""

    @property
    def wanted_samples(self) -> int:
        """Samples per channel that are missing from the next frame."""
        return self._frames.wanted

    def encode(self, samples: Samples) -> list[bytes]:
        """Encode samples of shape (frames, channels); return the packets that are ready."""
        packets: list[bytes] = []
        for frame in self._frames.cut(samples):
            packets += self._send(frame)
        return packets

    def drain(self) -> list[bytes]:
        """Return the remaining packets. The codec pads the last frame with silence."""
        rest = self._frames.rest()
        packets = [] if rest is None else self._send(rest)
        return packets + self._send(None)

    def close(self) -> None:
        """Free the encoder. PyAV frees it with the last reference."""
        self._context = None

    def _send(self, samples: Samples | None) -> list[bytes]:
        frame = None
        if samples is not None:
            frame = av.AudioFrame(self._format, self._layout, len(samples))
            planes: Sequence[Any] = frame.planes  # PyAV's type hints accept bytes only, but any buffer works
            for plane, data in zip(planes, samples.T if self._planar else [samples], strict=True):
                plane.update(np.ascontiguousarray(data))
            frame.sample_rate = self._context.sample_rate
            frame.pts = self._pts
            self._pts += len(samples)
        # Not `encode`, because it adds a filter graph to cut frames, which starts two threads per stream, and our frames
        # are already cut. The method used here is private. Therefore pyproject.toml has an upper bound for PyAV's version,
        # and a test counts the threads.
        try:
            sent = list(self._context._send_frame_and_recv(frame))
            packets = [bytes(packet) for packet in sent]
        except av.FFmpegError as exc:
            raise EncodeError(f"{self._context.name}: {exc}") from exc
        if frame is None:
            self._take_final_header(sent)
        if not self._holds_bitrate:
            self._hold_bitrate(packets)
        return packets

    def _take_final_header(self, packets: Sequence[Any]) -> None:
        # Not the context's extradata: the FLAC encoder updates the MD5 in it once more when PyAV asks for another packet.
        for packet in packets:
            if packet.has_sidedata("new_extradata"):
                self.codec_header = bytes(packet.get_sidedata("new_extradata"))

    def _hold_bitrate(self, packets: list[bytes]) -> None:
        """Correct the codec's bitrate by the debt: the bits used in excess of the bitrate, as seconds of audio."""
        seconds = len(packets) * self.frame_samples / self._context.sample_rate
        debt_s = self._debt_s + sum(map(len, packets)) * 8 / self._bitrate - seconds
        self._debt_s = max(-PAY_BACK_S, debt_s)
        self._context.bit_rate = int(self._bitrate * min(1.0, max(0.5, 1 - self._debt_s / PAY_BACK_S)))
