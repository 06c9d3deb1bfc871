"""The elements of a WebM file that describe its audio. RFC 9559, sections 5.1.6 to 5.1.8."""

from collections.abc import Mapping, Sequence

from ...description import Chapter, Description
from .ebml import element, text, uint

_CHAPTERS, _TAGS, _ATTACHMENTS = 0x1043A770, 0x1254C367, 0x1941A469
METADATA = (_CHAPTERS, _TAGS, _ATTACHMENTS)
"""IDs of all these elements, in the order of the file."""

_NS_PER_S = 1_000_000_000
_TAG_NAMES = {"track": "PART_NUMBER"}
_COVERS = {"image/jpeg": "cover.jpg", "image/png": "cover.png"}


def elements(description: Description) -> Mapping[int, bytes]:
    """Return the elements by ID, without those that would be empty."""
    found = {
        _CHAPTERS: _chapters(description.chapters),
        _TAGS: _tags(description),
        _ATTACHMENTS: _attachments(description),
    }
    return {element_id: data for element_id, data in found.items() if data}


def rendered(description: Description) -> bytes:
    """Return the elements."""
    return b"".join(elements(description).values())


def _chapters(chapters: Sequence[Chapter]) -> bytes:
    # Section 5.1.7. Times have eight bytes, so that their length does not depend on them.
    if not chapters:
        return b""
    atoms = (
        element(
            0xB6,  # ChapterAtom
            uint(0x73C4, number),  # ChapterUID
            uint(0x91, one.start * _NS_PER_S // one.rate, 8),  # ChapterTimeStart
            uint(0x92, one.end * _NS_PER_S // one.rate, 8),  # ChapterTimeEnd
            element(0x80, text(0x85, one.title), text(0x437C, "und")),  # ChapterDisplay: ChapString, ChapLanguage
        )
        for number, one in enumerate(chapters, 1)
    )
    return element(_CHAPTERS, element(0x45B9, *atoms))  # EditionEntry


def _tags(description: Description) -> bytes:
    # Section 5.1.8, and Matroska's tag names. Empty Targets: the whole Segment.
    if not description.tags:
        return b""
    simple_tags = (
        element(0x67C8, text(0x45A3, _TAG_NAMES.get(name, name.upper())), text(0x4487, value))
        for name, value in description.tags
    )
    return element(_TAGS, element(0x7373, element(0x63C0), *simple_tags))


def _attachments(description: Description) -> bytes:
    # Players look for the file name "cover" (Matroska cover art guidelines).
    if not description.pictures:
        return b""
    files = (
        element(
            0x61A7,  # AttachedFile
            *([text(0x467E, one.description)] if one.description else []),  # FileDescription
            text(0x466E, _COVERS[one.mime_type]),  # FileName
            text(0x4660, one.mime_type),  # FileMediaType
            element(0x465C, one.data),  # FileData
            uint(0x46AE, number),  # FileUID: not random, so that the same input gives the same file
        )
        for number, one in enumerate(description.pictures, 1)
    )
    return element(_ATTACHMENTS, *files)
