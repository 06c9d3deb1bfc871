"""Checks the pictures of a file."""

import re
from collections.abc import Iterable
from typing import Any

from .checks import Check
from .description import Picture, PictureOptions
from .formats import Format

MAX_PICTURES = 1
"""All readers show one front cover, and ID3 allows only one."""

MAX_PICTURE_BYTES = 256 * 1024
"""Pictures are part of the header, which Finished may have to repeat in one piece. In Ogg they are a third longer."""

MAX_DESCRIPTION_BYTES = 1024

_SIGNATURES = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n"}
MIME_TYPES = tuple(_SIGNATURES)

_NOT_IN_TEXT = re.compile("[\0\ud800-\udfff\ufffe\uffff]")


def resolve_pictures(check: Check, target: Format, pictures: PictureOptions) -> tuple[Picture, ...]:
    """Return the pictures with their MIME types. `pictures`: as given to AudioEncoder."""
    given: object = pictures
    if isinstance(given, (bytes, str)) or not isinstance(given, Iterable):
        check.fail("pictures", type(given).__name__, "takes a list of pictures")
        return ()
    listed = list(pictures)
    if listed and not target.container.takes_pictures:
        check.fail("pictures", f"{len(listed)} pictures", f"{target.name} has no pictures")
        return ()
    if len(listed) > MAX_PICTURES:
        check.fail("pictures", f"{len(listed)} pictures", f"audiowriter takes {MAX_PICTURES}, the front cover")
        return ()
    return tuple(_resolve(check, f"pictures[{number}]", picture) for number, picture in enumerate(listed))


def _resolve(check: Check, field: str, given: Any) -> Picture:
    picture = given if isinstance(given, Picture) else Picture(given)
    data: Any = picture.data
    if not isinstance(data, bytes):
        check.fail(field, type(data).__name__, "takes bytes")
        return Picture(b"")
    found = next((name for name, start in _SIGNATURES.items() if data.startswith(start)), None)
    if len(data) > MAX_PICTURE_BYTES:
        check.fail(field, f"{len(data)} bytes", f"audiowriter takes at most {MAX_PICTURE_BYTES}")
    elif found is None:
        check.fail(field, f"{len(data)} bytes", "takes a JPEG or PNG file")
    elif picture.mime_type not in ("", found):
        check.fail(field, picture.mime_type, f"the data is {found}")
    text: Any = picture.description
    if not isinstance(text, str) or _NOT_IN_TEXT.search(text) or len(text.encode()) > MAX_DESCRIPTION_BYTES:
        check.fail(field, "description", f"takes text of at most {MAX_DESCRIPTION_BYTES} bytes")
    return Picture(data, found or "", text)
