"""What describes the audio to its listeners: tags and pictures."""

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
class Description:
    """Everything in a file that describes its audio."""

    tags: Tags = ()
    pictures: Sequence[Picture] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.tags or self.pictures)

    @property
    def values(self) -> dict[str, list[str]]:
        """All values of each tag name."""
        values: dict[str, list[str]] = {}
        for name, value in self.tags:
            values.setdefault(name, []).append(value)
        return values


NOTHING = Description()
