"""What describes the audio to its listeners: tags, pictures and chapters."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Tags = Sequence[tuple[str, str]]
"""Names and values of tags, in the order of the file. A name may occur more than once."""

TagOptions = Mapping[str, str | Sequence[str]] | Iterable[tuple[str, str]]
"""Tags as a caller gives them: names and values, or a mapping of names to a value or to several values."""


@dataclass(frozen=True)
class Picture:
    """The front cover."""

    data: bytes = field(repr=False)
    """A JPEG or PNG file."""
    mime_type: str = ""
    """"image/jpeg" or "image/png". Empty: as the data says."""
    description: str = ""


PictureOptions = Iterable[Picture | bytes]
"""Pictures as a caller gives them."""


@dataclass(frozen=True)
class Marker:
    """A place in the audio, which becomes a chapter of the file."""

    position: int
    """Samples per channel, at the input's rate, since the start of the stream."""
    length: int = 0
    """Samples per channel, at the input's rate. 0: up to the next marker, or to the end."""
    title: str = ""
    url: str = ""


MarkerOptions = Iterable[Marker]
"""Markers as a caller gives them."""


@dataclass(frozen=True)
class Chapter:
    """A marker with its place in the file."""

    start: int
    """Samples per channel, at the file's rate."""
    end: int
    rate: int
    """The file's rate, in Hz."""
    title: str
    url: str
    has_length: bool
    """Whether the marker has a length of its own."""

    @property
    def start_ms(self) -> int:
        return self.start * 1000 // self.rate

    @property
    def end_ms(self) -> int:
        return self.end * 1000 // self.rate


@dataclass(frozen=True)
class Description:
    """Everything in a file that describes its audio."""

    tags: Tags = ()
    pictures: Sequence[Picture] = ()
    chapters: Sequence[Chapter] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.tags or self.pictures or self.chapters)

    @property
    def values(self) -> dict[str, list[str]]:
        """All values of each tag name."""
        values: dict[str, list[str]] = {}
        for name, value in self.tags:
            values.setdefault(name, []).append(value)
        return values


NOTHING = Description()
