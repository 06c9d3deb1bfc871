"""The server that a command uses: its options, and the server inside this process."""

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import grpc
from audiowriter_client.connection import Metadata
from audiowriter_client.targets import servers_of

_YEAR_S = 365 * 24 * 3600.0
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True)
class Server:
    """Arguments for the client library's calls."""

    target: str
    credentials: grpc.ChannelCredentials | None
    metadata: Metadata


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that select a server. The command receives it as `server`: None if --target is not given."""

    @click.option(
        "--target",
        metavar="HOST[:PORT][,…]",
        envvar="AUDIOWRITER_TARGET",
        show_envvar=True,
        help="Servers to use; the default port is 50051.",
    )
    @click.option("--tls", is_flag=True, help="Use TLS and trust the system's certificate authorities.")
    @click.option("--tls-ca", type=_file, help="Use TLS and trust these certificate authorities.")
    @click.option("--tls-cert", type=_file, help="Client certificate, for servers that require one.")
    @click.option("--tls-key", type=_file, help="Private key of the client certificate.")
    @functools.wraps(command)
    def with_server(
        target: str | None,
        tls: bool,
        tls_ca: Path | None,
        tls_cert: Path | None,
        tls_key: Path | None,
        **values: Any,
    ) -> Any:
        credentials = _credentials(tls, tls_ca, tls_cert, tls_key)
        if credentials is not None and not target:
            raise click.UsageError("TLS options require --target")
        try:
            servers_of(target or "")
        except ValueError as error:
            raise click.UsageError(f"--target: {error}") from error
        server = Server(target, credentials, _metadata()) if target else None
        return command(server=server, **values)

    return with_server


def _credentials(
    tls: bool, tls_ca: Path | None, tls_cert: Path | None, tls_key: Path | None
) -> grpc.ChannelCredentials | None:
    if bool(tls_cert) != bool(tls_key):
        raise click.UsageError("--tls-cert and --tls-key require each other")
    if not (tls or tls_ca or tls_cert):
        return None
    authorities, certificate, key = (file.read_bytes() if file else None for file in (tls_ca, tls_cert, tls_key))
    return grpc.ssl_channel_credentials(authorities, key, certificate)


def _metadata() -> Metadata:
    # Not an option, because command lines are visible to other users.
    token = os.environ.get("AUDIOWRITER_TOKEN")
    return [("authorization", f"Bearer {token}")] if token else []


@contextmanager
def server_or_own(server: Server | None) -> Iterator[Server]:
    """Yield `server`, or a server that runs inside this process for the duration of the context."""
    if server is not None:
        yield server
        return
    from audiowriter_server.runtime.embedded import EmbeddedServer
    from audiowriter_server.runtime.settings import Settings

    # This server has one client, whose source may be silent and whose listener may pause for any length of time. When
    # the client leaves, no stream remains that a drain would have to wait for.
    settings = Settings(
        idle_timeout=_YEAR_S, stalled_reader_timeout=_YEAR_S, max_stream_seconds=_YEAR_S, drain_timeout=0
    )
    with EmbeddedServer(settings) as own:
        yield Server(own.target, None, [])
