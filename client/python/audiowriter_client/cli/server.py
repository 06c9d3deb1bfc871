"""The server that a command talks to."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

_YEAR_S = 365 * 24 * 3600.0


@contextmanager
def server_target(target: str | None) -> Iterator[str]:
    """Give `target`, or that of a server that runs inside this process as long as the context."""
    if target is not None:
        yield target
        return
    with server_extra():
        from audiowriter_server.config import Settings
        from audiowriter_server.embedded import EmbeddedServer
    # This server has one caller, whose source may fall silent and whose listener may pause for as long as they like, and
    # who leaves nothing behind that would be worth waiting for.
    settings = Settings(
        idle_timeout=_YEAR_S, stalled_reader_timeout=_YEAR_S, max_stream_seconds=_YEAR_S, drain_timeout=0
    )
    with EmbeddedServer(settings) as server:
        yield server.target


@contextmanager
def server_extra() -> Iterator[None]:
    """Explain an import of the server that fails. Raises ClickException."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error.name} is missing: pip install 'audiowriter[server]'") from error
