"""The command line of the server, with a flag and an environment variable for each setting."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import click

from .grpc_env import tune_grpc
from .settings import VARIABLE_PREFIX, Settings


def _setting_options(command: Callable[..., int]) -> Callable[..., int]:
    # Reversed, because the help lists the option that was added last first.
    for setting in reversed(fields(Settings)):
        flag = "--" + setting.name.replace("_", "-")
        command = click.option(
            f"{flag}/--no-{flag[2:]}" if setting.type is bool else flag,
            type=setting.type,
            default=setting.default,
            show_default=True,
            envvar=VARIABLE_PREFIX + setting.name.upper(),
            show_envvar=True,
            help=setting.metadata["help"],
        )(command)
    return command


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@_setting_options
@click.option("--print-config", is_flag=True, help="Print the settings in effect and exit.")
def serve(print_config: bool, **values: Any) -> int:
    """Run the server until SIGTERM or SIGINT. A second signal stops it immediately.

    Exit codes: 0 all streams were finished, 1 some streams were terminated, 2 the server could not start.
    """
    try:
        settings = Settings(**values)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if print_config:
        for name, value in settings.as_variables().items():
            click.echo(f"{name}={value}")
        return 0
    tune_grpc(settings)
    if settings.workers > 1:
        from .supervisor import supervise

        return supervise(settings)
    from .process import run

    return run(settings)
