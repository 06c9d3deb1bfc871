"""Seek points of a stream of unknown length, in constant memory."""

from typing import Generic, TypeVar

_Point = TypeVar("_Point")


class SeekPoints(Generic[_Point]):
    """Keeps every `step`-th point. When there are `max_points`, every second one is dropped and `step` doubles."""

    def __init__(self, max_points: int) -> None:
        self._max_points = max_points
        self._count = 0
        self.step = 1
        self.points: list[_Point] = []

    def add(self, point: _Point) -> None:
        """Add the next point."""
        if self._count % self.step == 0:
            if len(self.points) == self._max_points:
                del self.points[1::2]
                self.step *= 2
            if self._count % self.step == 0:
                self.points.append(point)
        self._count += 1
