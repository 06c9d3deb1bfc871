"""A codec and a muxer as one FileEncoder: what all packet formats share."""

import numpy as np

from .audio.sample_types import Samples
from .codecs.base import Codec
from .muxers.base import Finish, Muxer
from .options import OutputOptions


class PacketEncoder:
    """Samples through a codec and a muxer to file bytes."""

    def __init__(self, output: OutputOptions, codec: Codec, muxer: Muxer) -> None:
        self._output, self._codec, self._muxer = output, codec, muxer
        self._samples = 0
        self.delay_samples = codec.delay_samples

    @property
    def held_samples(self) -> int:
        """Samples per channel taken in whose bytes are not out yet."""
        return self._samples - max(0, self._muxer.samples_out - self.delay_samples)

    @property
    def wanted_samples(self) -> int:
        """Minimum number of samples per channel before `encode` can return bytes."""
        return self._codec.wanted_samples

    def start(self) -> bytes:
        """Return the provisional header."""
        return self._muxer.start()

    def encode(self, samples: Samples) -> bytes:
        """Take samples; return the bytes that are ready."""
        self._samples += len(samples)
        packets = self._codec.encode(samples)
        return self._muxer.write(packets) if packets else b""

    def flush(self) -> bytes:
        """Return the bytes of a page that is not full. The codec is not flushed: it overlaps each frame with the next."""
        return self._muxer.flush()

    def finish(self) -> Finish:
        """Return everything that is left."""
        missing = self._muxer.spec.fewest_samples - self._samples
        if missing > 0:
            silence = np.zeros((missing, self._output.channels), self._output.sample_type.dtype)
            packets = self._codec.encode(silence) + self._codec.finish()
        else:
            packets = self._codec.finish() if self._samples else self._codec.silent_packets()
        return self._muxer.finish(packets, self._samples)

    def close(self) -> None:
        """Free native memory."""
        self._codec.close()
