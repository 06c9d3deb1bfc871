"""Cuts samples of any length into frames of one size."""

from collections.abc import Iterator

import numpy as np

from .sample_types import Samples


class FrameCutter:
    """Keeps the samples of an incomplete frame, always less than one frame, from one call to the next."""

    def __init__(self, frame_samples: int) -> None:
        self._size = frame_samples
        self._rest: Samples | None = None

    def __len__(self) -> int:
        """Samples per channel of the incomplete frame."""
        return 0 if self._rest is None else len(self._rest)

    @property
    def wanted(self) -> int:
        """Samples per channel until the next frame is full."""
        return self._size - len(self)

    def cut(self, samples: Samples) -> Iterator[Samples]:
        """Yield the frames that are full."""
        if self._rest is not None:
            samples = np.concatenate((self._rest, samples))
        whole = len(samples) - len(samples) % self._size
        # A copy: a view of a few samples would keep the whole message alive.
        self._rest = samples[whole:].copy() if whole < len(samples) else None
        for start in range(0, whole, self._size):
            yield samples[start : start + self._size]

    def rest(self) -> Samples | None:
        """Return the samples of the incomplete frame, None if there are none."""
        rest, self._rest = self._rest, None
        return rest
