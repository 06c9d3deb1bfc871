"""Names of the files that `encode` writes, and their formats."""

import difflib
from collections.abc import Sequence
from pathlib import Path

import click
from audiowriter_core import FORMATS, format_for_extension


def format_of(output: str, chosen: str | None) -> str:
    """Return the chosen format, or else that of the extension of `output`. Raises UsageError if there is none."""
    if chosen is not None:
        return chosen
    suffix = Path(output).suffix
    if found := format_for_extension(suffix):
        return found.name
    known = [extension for kind in FORMATS.values() for extension in kind.extensions]
    similar = difflib.get_close_matches(suffix.lower(), known, n=1)
    hint = f"did you mean {similar[0]}? Else use --format" if similar else "use --format"
    raise click.UsageError(f"{output}: the extension determines no format: {hint}")


def outputs(sources: Sequence[str], output: str, chosen: str | None) -> list[str]:
    """Return one output per source. Raises UsageError if `output` must be a folder and is not, or names would collide."""
    folder = Path(output)
    if len(sources) == 1 and not (output.endswith("/") or folder.is_dir()):
        return [output]
    if not folder.is_dir():
        raise click.UsageError(f"{output}: several files need a folder that exists")
    if chosen is None:
        raise click.UsageError(f"{output}: a folder needs --format")
    if "-" in sources:
        raise click.UsageError("stdin has no name for a file in a folder")
    paths = [str(folder / (Path(source).stem + FORMATS[chosen].file_extension)) for source in sources]
    for path in paths:
        if paths.count(path) > 1:
            both = " and ".join(source for source, other in zip(sources, paths, strict=True) if other == path)
            raise click.UsageError(f"{both} would both be {path}")
    return paths


def is_same_file(source: str, output: str) -> bool:
    """Whether an output would replace its input."""
    try:
        return "-" not in (source, output) and Path(source).samefile(output)
    except FileNotFoundError:
        return False
