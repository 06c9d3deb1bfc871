"""The server that a command talks to."""

from collections.abc import Iterator
from contextlib import contextmanager

import click


@contextmanager
def server_target(target: str | None) -> Iterator[str]:
    """Give `target`, or that of a server that runs inside this process as long as the context."""
    if target is not None:
        yield target
        return
    try:
        from audiowriter_server.embedded import EmbeddedServer
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"{error.name} is missing: pip install 'audiowriter[server]', or name a server with --target"
        ) from error
    with EmbeddedServer() as server:
        yield server.target
