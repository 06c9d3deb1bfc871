"""Checks the tags of a file."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .checks import Check, describe
from .description import Tags
from .errors import quoted
from .formats import Format

MAX_TAGS = 64
"""Maximum number of tags, with repeated ones."""

MAX_TAGS_BYTES = 65_536
"""Maximum length of all tags. Tags are part of the header, which Finished may have to repeat in one piece."""

NOT_IN_TAGS = re.compile("[\0\ud800-\udfff\ufffe\uffff]")
"""NUL ends a text in most formats. Lone surrogates have no UTF-8. libFLAC refuses U+FFFE and U+FFFF."""

_INTEGER_TAG = re.compile("[+-][0-9]{1,5}|[0-9]{1,6}")
"""RFC 7845, section 5.2.1: at most six characters, and no whitespace."""


def resolve_tags(check: Check, target: Format, tags: object) -> Tags:
    """Return the tags as pairs of name and value, without those that are empty. `tags`: as given to AudioEncoder."""
    container = target.container
    supported = ", ".join(container.tags) if container.tags else "no tags"
    pairs = pairs_of(tags)
    if pairs is None:
        check.fail("tags", _text(tags, repr), "takes pairs of name and value, or a mapping of names to values")
        return ()
    if len(pairs) > MAX_TAGS:
        check.fail("tags", f"{len(pairs)} tags", f"{target.name} supports {supported}, at most {MAX_TAGS} tags in all")
        return ()
    names = [name for name, _ in pairs]
    repeated = {name for name in container.tags if names.count(name) > 1} - {*container.repeatable_tags}
    failed = set()
    for name, value in pairs:
        field = f'tags["{quoted(_printable(_text(name)))}"]'
        if field in failed:
            continue
        before = len(check.violations)
        if name not in container.tags:
            check.fail(field, _text(value, repr), f"{target.name} supports {supported}")
        elif name in repeated:
            allowed = " and ".join(container.repeatable_tags) or "no tag"
            check.fail(
                field, _text(value, repr), f"occurs {names.count(name)} times: {target.name} allows this for {allowed}"
            )
        elif value == "":
            continue
        elif not isinstance(value, str):
            check.fail(field, _text(value, repr), "takes a string")
        elif bad := NOT_IN_TAGS.search(value):
            check.fail(field, ascii(value), f"a tag cannot hold the character U+{ord(bad[0]):04X}")
        elif name in container.integer_tags and not _is_integer_in(value, container.integer_tags[name]):
            check.fail(field, _text(value, repr), f"takes an integer, {describe(container.integer_tags[name])}")
        if len(check.violations) > before:
            failed.add(field)
    size = sum(len(text.encode(errors="replace")) for tag in pairs for text in map(_text, tag))
    if size > MAX_TAGS_BYTES:
        check.fail("tags", f"{size} bytes", f"audiowriter takes at most {MAX_TAGS_BYTES}")
    # Empty values are omitted, because an empty text says no more than none.
    return tuple((name, value) for name, value in pairs if value)


def pairs_of(tags: object) -> list[tuple[Any, Any]] | None:
    """Return tags as pairs of name and value, or None if they are something else."""
    if isinstance(tags, Mapping):
        return [
            (name, value)
            for name, values in tags.items()
            for value in (values if isinstance(values, (list, tuple)) else [values])
        ]
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        return None
    pairs = list(tags)
    return pairs if all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs) else None


def _text(value: object, convert: Callable[[object], str] = str) -> str:
    """Return a value as text. Python converts only integers of up to 4300 digits."""
    try:
        return convert(value)
    except ValueError:
        return "an integer of more than 4300 digits"  # alone or inside of the value


def _printable(text: str) -> str:
    """Return text without lone surrogates, which cannot be encoded."""
    return text.encode(errors="backslashreplace").decode()


def _is_integer_in(text: str, allowed: range) -> bool:
    return _INTEGER_TAG.fullmatch(text) is not None and int(text) in allowed
