"""The command's group and the printing of its errors."""

from collections.abc import Sequence
from importlib import metadata

import click
from audiowriter_server.runtime.command import serve

from audiowriter_cli.bench import bench
from audiowriter_cli.encode import encode
from audiowriter_cli.errors import EXPECTED, lines_of, say
from audiowriter_cli.formats import formats
from audiowriter_cli.health import health


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="audiowriter", message="%(version)s")
@click.pass_context
def audiowriter(context: click.Context) -> None:
    """Encode live PCM to finished audio files."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@audiowriter.command()
def version() -> None:
    """Print the version."""
    click.echo(metadata.version("audiowriter"))


audiowriter.add_command(bench)
audiowriter.add_command(encode)
audiowriter.add_command(formats)
audiowriter.add_command(health)
audiowriter.add_command(serve)


def run(arguments: Sequence[str]) -> int:
    """Run the command with `arguments` and return its exit code. Errors are lines on stderr, not exceptions."""
    try:
        return audiowriter.main(arguments, prog_name="audiowriter", standalone_mode=False) or 0
    except click.Abort:
        return 130
    except click.UsageError as error:
        say(error.format_message())
        return 2
    except ModuleNotFoundError as error:
        say(f"{error.name} is missing: pip install 'audiowriter[server]'")
        return 1
    except EXPECTED as error:
        for line in lines_of(error):
            say(line)
        return 1
