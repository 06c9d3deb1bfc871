"""Room in the head of a file for what describes the audio and is only known at the end.

A head has the description that the config gave, and padding after it. Both together never change their length, so the final
header can have a longer description and less padding. Each container has padding of its own.
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from ..description import Description

MAX_METADATA_BYTES = 64 * 1024
"""Maximum room. It is part of the header, which Finished may have to repeat in one piece."""


class NoRoom(Exception):
    """A description does not fit. It was not stored."""

    def __init__(self, missing: int, left: int) -> None:
        super().__init__(f"{missing} bytes too many")
        self.missing, self.left = missing, left


class Room:
    """The description of a file, in its container's layout, and the bytes that are left after it."""

    def __init__(self, render: Callable[[Description], bytes], description: Description, spare: int) -> None:
        """`render`: returns a description without padding. `spare`: bytes that are left after this one."""
        self._render = render
        self.description = description
        self.content = render(description)
        self.spare = spare
        self.changed = False
        """Whether the content was replaced."""

    def replace(self, description: Description) -> None:
        """Replace the description. Raises NoRoom if it is too long."""
        content = self._render(description)
        spare = self.spare + len(self.content) - len(content)
        if spare < 0:
            raise NoRoom(-spare, self.spare)
        self.description, self.content, self.spare, self.changed = description, content, spare, True


@runtime_checkable
class Describable(Protocol):
    """A muxer or FileEncoder whose format has tags."""

    def describe(self, description: Description) -> None:
        """Replace what describes the audio. Raises NoRoom if it does not fit into the head; then nothing changes."""
