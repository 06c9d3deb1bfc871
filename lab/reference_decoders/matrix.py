"""The matrix of results: the number of cases per format and judge, and how many of them had faults."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

Record = Callable[[str, object], None]
"""pytest's record_property."""

_VERDICT = "verdict"


def record(record_property: Record, format_name: str, judge: str, *, content: bool) -> None:
    """Count a check of a file by a judge."""
    record_property(_VERDICT, (format_name, judge, content))


def lines(user_properties: Iterable[tuple[str, tuple[str, str, bool]]]) -> Iterator[str]:
    """Return the rows of the matrix, one per judge; nothing if nothing was checked."""
    judged: Counter[tuple[str, str]] = Counter()
    faulty: Counter[tuple[str, str]] = Counter()
    for name, verdict in user_properties:
        if name == _VERDICT:
            format_name, judge, content = verdict
            judged[judge, format_name] += 1
            faulty[judge, format_name] += not content
    formats = list(dict.fromkeys(format_name for _, format_name in judged))
    if not formats:
        return
    yield " " * 16 + "".join(f"{name:>11}" for name in formats)
    for judge in sorted({judge for judge, _ in judged}):
        cells = [(judged[judge, name], faulty[judge, name]) for name in formats]
        words = [f"{count} ({bad})" if bad else str(count or "") for count, bad in cells]
        yield f"{judge:16}" + "".join(f"{word:>11}" for word in words)
