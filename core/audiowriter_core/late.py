"""What describes the audio and comes while the stream runs: it adds to what the config had, or replaces it."""

from collections.abc import Callable

from .audio.arrays import Pcm
from .calls import Calls
from .checks import Check
from .description import Description, TagOptions, Tags
from .errors import InvalidArgument, Violation, quoted
from .events import Event
from .muxers.room import NoRoom
from .options import OutputOptions, StreamOptions
from .pipeline import Pipeline
from .tags import pairs_of, resolve_tags


def with_tags(tags: Tags, later: Tags) -> Tags:
    """Return tags in which those of `later` replace all of the same name. An empty value removes a tag."""
    names = {name for name, _ in later}
    return (*(tag for tag in tags if tag[0] not in names), *later)


class LateDescription:
    """What describes the audio of one stream so far."""

    def __init__(self, output: OutputOptions, store: Callable[[Description], None]) -> None:
        """`store`: passes a description to the muxer. Raises NoRoom if it does not fit."""
        self._target, self._store = output.format, store
        self._description = output.description
        self._has_room = output.metadata_bytes > 0 or output.format.container.describes_at_end

    def add_tags(self, tags: TagOptions) -> None:
        """Add tags, or replace those of the same names. Raises InvalidArgument, and stores none of them, if one is bad."""
        given = pairs_of(tags)
        check = Check()
        before = self._description
        merged = resolve_tags(check, self._target, tags if given is None else with_tags(before.tags, given))
        if check.violations:
            raise InvalidArgument(check.violations)
        description = Description(merged, before.pictures)
        if not self._has_room:
            text = "the head of the file has no room for later ones: set metadata_bytes"
            raise InvalidArgument([Violation("tags", f"{len(given or ())} tags", text)])
        try:
            self._store(description)
        except NoRoom:
            raise self._too_long(given or ()) from None
        self._description = description

    def _too_long(self, later: Tags) -> InvalidArgument:
        """Find the first tag that does not fit, and store none of them."""
        before, tags = self._description, self._description.tags
        violations = []
        for name in dict.fromkeys(name for name, _ in later):
            values = tuple(tag for tag in later if tag[0] == name)
            tags = tuple(tag for tag in with_tags(tags, values) if tag[1])
            try:
                self._store(Description(tags, before.pictures))
            except NoRoom as full:
                text = f"needs {full.left + full.missing} bytes in the head of the file, and {full.left} are left"
                violations = [
                    Violation(f'tags["{name}"]', quoted(repr(values[0][1])), f"{text}: set more metadata_bytes")
                ]
                break
        self._store(before)
        return InvalidArgument(violations)


class DescribedCalls(Calls):
    """Calls that also describe the audio."""

    options: StreamOptions

    def __init__(self) -> None:
        super().__init__()
        self._late: LateDescription | None = None

    def describe(self, tags: TagOptions) -> None:
        """Add tags to the file, or replace those of the same names; an empty value removes a tag. Only after `start`.

        They are written at the end, into the room that `metadata_bytes` reserves. Raises InvalidArgument if one is bad, or
        does not fit. Then none of them is stored, and the stream goes on.
        """
        refused: list[InvalidArgument] = []

        def run(pipeline: Pipeline, _: Pcm, __: list[Event]) -> None:
            try:
                self._description(pipeline).add_tags(tags)
            except InvalidArgument as error:
                refused.append(error)

        self._call("describe", run, b"")
        if refused:
            raise refused[0]

    def _description(self, pipeline: Pipeline) -> LateDescription:
        if self._late is None:
            self._late = LateDescription(self.options.output, pipeline.describe)
        return self._late
