"""`audiowriter serve`."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import click
from audiowriter_server.config import Settings

from audiowriter_client.cli.server import server_extra


def _setting_options(command: Callable[..., int]) -> Callable[..., int]:
    # Reversed, for a decorator that is applied first comes last in the help.
    for setting in reversed(fields(Settings)):
        flag = "--" + setting.name.replace("_", "-")
        command = click.option(
            f"{flag}/--no-{flag[2:]}" if setting.type is bool else flag,
            type=setting.type,
            default=setting.default,
            show_default=True,
            envvar="AUDIOWRITER_" + setting.name.upper(),
            show_envvar=True,
            help=setting.metadata["help"],
        )(command)
    return command


@click.command()
@_setting_options
def serve(**values: Any) -> int:
    """Run the server until SIGTERM or SIGINT."""
    try:
        settings = Settings(**values)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with server_extra():
        from audiowriter_server.__main__ import serve as run
    return run(settings)
