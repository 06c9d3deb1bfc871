"""`python -m audiowriter_server`: what `audiowriter serve` does, where only the server is installed."""

import sys


def main() -> int:
    """Run the command; wrong settings and missing packages are one line on stderr."""
    try:
        return _serve()
    except ModuleNotFoundError as error:
        print(f"audiowriter: {error.name} is missing: pip install 'audiowriter[server]'", file=sys.stderr)
        return 2  # the exit code of a server that cannot start


def _serve() -> int:
    import click

    from .runtime.command import serve

    try:
        return serve.main(prog_name="python -m audiowriter_server", standalone_mode=False) or 0
    except click.UsageError as error:
        print(f"audiowriter: {error.format_message()}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
