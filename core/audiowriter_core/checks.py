"""Collects the violations of options, so that one error reports all of them."""

from collections.abc import Sequence
from numbers import Real

from .audio.sample_types import SAMPLE_TYPES, SampleType
from .errors import Violation, quoted


class Check:
    """The violations found so far. Each method adds one if a value is not acceptable."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def fail(self, field: str, value: object, description: str) -> None:
        self.violations.append(Violation(field, quoted(value), description))

    def one_of(self, field: str, value: int, allowed: Sequence[int], who: str) -> int:
        if not isinstance(value, int) or value not in allowed:
            self.fail(field, value, f"{who} takes {describe(allowed)}")
        return value

    def number(self, field: str, value: object, low: float, high: float) -> None:
        if not (isinstance(value, Real) and low <= value <= high):  # type: ignore[operator]  # Real has no types
            self.fail(field, f"{value:g}" if isinstance(value, float) else value, f"takes {low:g} to {high:g}")

    def sample_type(self, field: str, name: str, allowed: Sequence[SampleType], default: SampleType) -> SampleType:
        if not name:
            return default
        kind = SAMPLE_TYPES.get(name.lower()) if isinstance(name, str) else None
        if kind not in allowed:
            self.fail(field, name, f"takes {', '.join(kind.name for kind in allowed)}")
        return kind or default


def describe(values: Sequence[int]) -> str:
    """Return accepted integers as text: "8000, 12000" or "6000 to 510000" or "20 to 2000 in steps of 20"."""
    if isinstance(values, range) and len(values) > 1:
        step = f" in steps of {values.step}" if values.step > 1 else ""
        return f"{values[0]} to {values[-1]}{step}"
    return ", ".join(map(str, values))
