"""Seek points of a stream of unknown length, in constant memory."""

from typing import Generic, TypeVar

_Point = TypeVar("_Point")


class SeekPoints(Generic[_Point]):
    """Keeps every `step`-th point. When there are `most` points, every second one is dropped and `step` doubles."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen = 0
        self.step = 1
        self.points: list[_Point] = []

    def add(self, point: _Point) -> None:
        """Add the next point."""
        if self._seen % self.step == 0:
            if len(self.points) == self._most:
                del self.points[1::2]
                self.step *= 2
            if self._seen % self.step == 0:
                self.points.append(point)
        self._seen += 1
