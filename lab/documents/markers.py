"""Replaces generated tables in documents: each is between <!-- name:begin --> and <!-- name:end -->."""

import re


def put(page: str, name: str, text: str) -> str:
    """Return the page with `text` between the markers of `name`. Raises ValueError if the page does not have them once."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    page, count = re.subn(f"{begin}.*?{end}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"the markers of {name!r} are {count} times in the page, expected once")
    return page
