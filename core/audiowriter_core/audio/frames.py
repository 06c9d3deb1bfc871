"""Cuts samples into frames of a fixed length."""

from collections.abc import Iterator

import numpy as np

from .sample_types import Samples


class FrameCutter:
    """Cuts samples into frames. Keeps the incomplete frame at the end for the next call."""

    def __init__(self, frame_samples: int, *, holds_last: bool = False) -> None:
        """`holds_last`: keep a full frame until the first sample of the next one, so that `rest` returns the last frame."""
        self._size = frame_samples
        self._next_samples = int(holds_last)  # that must follow a frame
        self._rest: Samples | None = None

    def __len__(self) -> int:
        """Samples per channel in the incomplete frame."""
        return 0 if self._rest is None else len(self._rest)

    @property
    def wanted(self) -> int:
        """Samples per channel that are missing until `cut` yields the next frame."""
        return self._size + self._next_samples - len(self)

    def cut(self, samples: Samples) -> Iterator[Samples]:
        """Yield the frames that are complete with these samples."""
        frames = self.whole(samples)
        for start in range(0, len(frames), self._size):
            yield frames[start : start + self._size]

    def whole(self, samples: Samples) -> Samples:
        """Return the frames that are complete with these samples, in one array."""
        if self._rest is not None:
            samples = np.concatenate((self._rest, samples))
        whole = max(0, len(samples) - self._next_samples) // self._size * self._size
        # Copied, because a view of a few samples would keep the whole message in memory.
        self._rest = samples[whole:].copy() if whole < len(samples) else None
        return samples[:whole]

    def rest(self) -> Samples | None:
        """Remove and return the samples of the incomplete frame; None if there are none."""
        rest, self._rest = self._rest, None
        return rest
