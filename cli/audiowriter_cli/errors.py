"""Errors as lines for people."""

from collections.abc import Sequence

import audiowriter_core
import click
from audiowriter_client.errors import AudioWriterError, CallFailed

EXPECTED = (click.ClickException, AudioWriterError, audiowriter_core.AudioWriterError, OSError)
"""Errors that are lines on stderr, without a traceback."""


def lines_of(error: Exception) -> Sequence[str]:
    """Return what an error says, one line per bad field."""
    match error:
        case CallFailed(violations=violations) if violations:
            return [f"{field}: {description}" for field, description in violations]
        case audiowriter_core.InvalidArgument(violations=core_violations):
            return [str(violation) for violation in core_violations]
        case OSError(filename=filename, strerror=strerror) if filename is not None:
            return [f"{filename}: {strerror}"]
        case click.ClickException():
            return [error.format_message()]
        case _:
            return [str(error)]


def say(line: str) -> None:
    """Print a line on stderr."""
    click.echo(f"audiowriter: {line}", err=True)
