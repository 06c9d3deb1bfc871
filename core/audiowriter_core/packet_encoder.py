"""Combines a codec and a muxer into a FileEncoder. All packet formats use it."""

import numpy as np

from .audio.sample_types import Samples
from .codecs.base import Codec
from .description import Description
from .muxers.base import Finish, Muxer
from .muxers.room import Describable
from .muxers.watched import WatchedMuxer
from .options import OutputOptions


class PacketEncoder:
    """Passes samples to a codec, and the codec's packets to a muxer."""

    def __init__(self, output: OutputOptions, codec: Codec, muxer: Muxer) -> None:
        self._output, self._codec = output, codec
        self._muxer: Muxer | WatchedMuxer = muxer
        self.samples = 0
        """Samples per channel received so far."""
        self.delay_samples = codec.delay_samples
        self.watched: WatchedMuxer | None = None
        """Set by `watch`."""

    @property
    def held_samples(self) -> int:
        """Samples per channel that were received but whose bytes were not returned yet."""
        return self.samples - max(0, self._muxer.samples_out - self.delay_samples)

    @property
    def wanted_samples(self) -> int:
        """Minimum number of samples per channel before `encode` can return bytes."""
        return self._codec.wanted_samples

    def start(self) -> bytes:
        """Return the provisional header."""
        return self._muxer.start()

    def describe(self, description: Description) -> None:
        """Replace what describes the audio. Raises NoRoom if it does not fit. Only for formats with tags."""
        assert isinstance(self._muxer, Describable)
        self._muxer.describe(description)

    def encode(self, samples: Samples) -> bytes:
        """Encode samples; return the bytes that are ready."""
        self.samples += len(samples)
        packets = self._codec.encode(samples)
        return self._muxer.write(packets) if packets else b""

    def flush(self) -> bytes:
        """Return the bytes of a page that is not full. The codec is not flushed, because its frames overlap."""
        return self._muxer.flush()

    def finish(self) -> Finish:
        """Complete the file. A stream that is too short for the muxer is padded with silence."""
        missing = self._muxer.spec.min_samples - self.samples
        if missing > 0:
            silence = np.zeros((missing, self._output.channels), self._output.sample_type.dtype)
            packets = self._codec.encode(silence) + self._codec.finish()
        else:
            packets = self._codec.finish() if self.samples else self._codec.silent_packets()
        return self._muxer.finish(packets, self.samples)

    def watch(self, samples: int) -> None:
        """Find the byte where these samples per channel end, without the delay. Call it before `start`."""
        assert not isinstance(self._muxer, WatchedMuxer)
        self._muxer = self.watched = WatchedMuxer(self._muxer, samples + self.delay_samples)

    def close(self) -> None:
        """Free native memory."""
        self._codec.close()
