"""What describes the audio and comes while the stream runs: it adds to what the config had, or replaces it."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from .audio.arrays import Pcm
from .calls import Calls
from .checks import Check
from .description import Description, Marker, MarkerOptions, TagOptions, Tags
from .errors import InvalidArgument, Violation, quoted
from .events import Event
from .markers import chapters, in_order, resolve_markers
from .muxers.room import NoRoom
from .options import StreamOptions
from .pipeline import Pipeline
from .tags import pairs_of, resolve_tags


def with_tags(tags: Tags, later: Tags) -> Tags:
    """Return tags in which those of `later` replace all of the same name. An empty value removes a tag."""
    names = {name for name, _ in later}
    return (*(tag for tag in tags if tag[0] not in names), *later)


class _State(NamedTuple):
    tags: Tags
    markers: Sequence[Marker]


class LateDescription:
    """What describes the audio of one stream so far."""

    def __init__(self, options: StreamOptions, store: Callable[[Description], None]) -> None:
        """`store`: passes a description to the muxer. Raises NoRoom if it does not fit."""
        self._options, self._store_description = options, store
        output = options.output
        self._target = output.format
        self._state = _State(output.tags, ())
        self._has_room = output.metadata_bytes > 0 or self._target.container.describes_at_end

    def add(self, tags: TagOptions, markers: MarkerOptions) -> None:
        """Add tags and markers, or replace tags of the same names.

        Raises InvalidArgument, and stores nothing, if one of them is bad or does not fit.
        """
        check, before = Check(), self._state
        later = pairs_of(tags)
        merged = resolve_tags(check, self._target, tags if later is None else with_tags(before.tags, later))
        new = resolve_markers(check, self._target, markers, len(before.markers))
        if check.violations:
            raise InvalidArgument(check.violations)
        state = _State(merged, in_order((*before.markers, *new)))
        if state == before:
            return
        if not self._has_room:
            field = "tags" if later else "markers"
            text = "the head of the file has no room for what comes later: set metadata_bytes"
            raise InvalidArgument([Violation(field, "", text)])
        try:
            self._store(state)
        except NoRoom:
            raise self._too_long(later or (), new) from None
        self._state = state

    def finish(self, samples: int) -> None:
        """Place the markers in audio of this length, in samples per channel at the file's rate."""
        if self._state.markers:
            self._store(self._state, samples)

    def _store(self, state: _State, samples: int | None = None) -> None:
        placed = chapters(state.markers, self._options, samples)
        self._store_description(Description(state.tags, self._options.output.pictures, placed))

    def _too_long(self, later: Tags, markers: Sequence[Marker]) -> InvalidArgument:
        """Find the first tag or marker that does not fit, and store none of them."""
        violations = []
        for field, value, state in self._steps(later, markers):
            try:
                self._store(state)
            except NoRoom as full:
                text = f"needs {full.left + full.missing} bytes in the head of the file, and {full.left} are left"
                violations = [Violation(field, quoted(repr(value)), f"{text}: set more metadata_bytes")]
                break
        self._store(self._state)
        return InvalidArgument(violations)

    def _steps(self, later: Tags, markers: Sequence[Marker]) -> Iterator[tuple[str, str, _State]]:
        """Yield field and value of each tag and marker, with the state in which it is the last one."""
        tags, marked = self._state
        for name in dict.fromkeys(name for name, _ in later):
            values = tuple(tag for tag in later if tag[0] == name)
            tags = tuple(tag for tag in with_tags(tags, values) if tag[1])
            yield f'tags["{name}"]', values[0][1], _State(tags, marked)
        for number, marker in enumerate(markers):
            marked = in_order((*marked, marker))
            yield f"markers[{number}]", marker.title, _State(tags, marked)


class DescribedCalls(Calls):
    """Calls that also describe the audio."""

    options: StreamOptions

    def __init__(self) -> None:
        super().__init__()
        self._late: LateDescription | None = None

    def describe(self, tags: TagOptions = (), markers: MarkerOptions = ()) -> None:
        """Add tags to the file, or replace those of the same names, and add markers. Only after `start`.

        An empty value removes a tag. Markers become chapters; they may come in any order, also before their audio. All of
        this is written at the end, into the room that `metadata_bytes` reserves. Raises InvalidArgument if a tag or marker
        is bad, or does not fit. Then none of them is stored, and the stream goes on.
        """
        refused: list[InvalidArgument] = []

        def run(pipeline: Pipeline, _: Pcm, __: list[Event]) -> None:
            try:
                self._description(pipeline).add(tags, markers)
            except InvalidArgument as error:
                refused.append(error)

        self._call("describe", run, b"")
        if refused:
            raise refused[0]

    def _description(self, pipeline: Pipeline) -> LateDescription:
        if self._late is None:
            self._late = LateDescription(self.options, pipeline.describe)
        return self._late
