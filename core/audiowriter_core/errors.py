"""The exceptions of this library.

AudioWriterError
├── InvalidArgument   an option or the PCM is invalid; `violations` lists each bad field (also a ValueError)
├── WrongState        a method was called in a state that does not allow it
├── EncodeError       a codec failed
└── ResumeMismatch    a stream is encoded again to other bytes than its listener has

Exceptions of codec libraries are wrapped where they occur: `raise EncodeError("lame: -1") from exc`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

MAX_QUOTE = 64
"""Maximum number of characters of a caller's value in an error."""


def quoted(value: object) -> str:
    """Return a value as text, cut to MAX_QUOTE characters."""
    try:
        text = str(value)
    except ValueError:  # Python converts only integers of up to 4300 digits
        return "an integer of more than 4300 digits"
    return text if len(text) <= MAX_QUOTE else text[: MAX_QUOTE - 1] + "…"


class AudioWriterError(Exception):
    """Base class of all exceptions of this library. The message is one line."""


@dataclass(frozen=True)
class Violation:
    """One bad field: its name, its value, and what would be accepted."""

    field: str
    """Name of the option, such as "bitrate_bps", or "pcm"."""
    value: str
    """The value as text, of at most MAX_QUOTE characters. Empty if the description contains it."""
    description: str

    def __str__(self) -> str:
        return f"{self.field}={self.value}: {self.description}" if self.value else f"{self.field}: {self.description}"


class InvalidArgument(AudioWriterError, ValueError):
    """An option or the PCM is invalid. `violations` lists every bad field."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(map(str, violations)))
        self.violations = tuple(violations)

    def __reduce__(self) -> tuple[type["InvalidArgument"], tuple[Sequence[Violation]]]:
        return type(self), (self.violations,)


class WrongState(AudioWriterError):
    """A method was called in a state that does not allow it, such as `write` after `finish`."""


class EncodeError(AudioWriterError):
    """A codec failed. The stream cannot continue: only `close` is allowed."""


class ResumeMismatch(AudioWriterError):
    """A stream is encoded again to other bytes than its listener has. No byte was returned."""
