"""`python -m audiowriter_server`: the command `audiowriter serve`, where only the server is installed."""

import sys
from collections.abc import Sequence


def serve(arguments: Sequence[str], name: str) -> int:
    """Run the server and return its exit code. Wrong settings and missing packages are one line on stderr.

    `name`: of the program, for its help.
    """
    try:
        import click

        from .runtime.command import serve as command

        try:
            return command.main(list(arguments), prog_name=name, standalone_mode=False) or 0
        except click.UsageError as error:
            print(f"audiowriter: {error.format_message()}", file=sys.stderr)
            return 2
    except ModuleNotFoundError as error:
        print(f"audiowriter: {error.name} is missing: pip install 'audiowriter[server]'", file=sys.stderr)
        return 2  # the exit code of a server that cannot start


def main() -> int:
    """Run the server with the arguments of the process."""
    return serve(sys.argv[1:], "python -m audiowriter_server")


if __name__ == "__main__":
    sys.exit(main())
