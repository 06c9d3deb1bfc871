"""Samples cut anywhere to frames of one size, as codecs take them."""

from collections.abc import Iterator

import numpy as np

from ..samples import Samples


class FrameCutter:
    """Keeps less than a frame from one call to the next."""

    def __init__(self, frame_samples: int) -> None:
        self._size = frame_samples
        self._rest: Samples | None = None

    def __len__(self) -> int:
        """Samples a channel that wait for their frame to fill."""
        return 0 if self._rest is None else len(self._rest)

    @property
    def wanted(self) -> int:
        """Samples a channel until the next frame is full."""
        return self._size - len(self)

    def cut(self, samples: Samples) -> Iterator[Samples]:
        """Give the frames that are full."""
        if self._rest is not None:
            samples = np.concatenate((self._rest, samples))
        whole = len(samples) - len(samples) % self._size
        # A copy, so that the few samples of a rest don't keep a whole message alive.
        self._rest = samples[whole:].copy() if whole < len(samples) else None
        for start in range(0, whole, self._size):
            yield samples[start : start + self._size]

    def rest(self) -> Samples | None:
        """Give what is left at the end; None if nothing is."""
        rest, self._rest = self._rest, None
        return rest
