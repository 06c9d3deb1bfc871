"""The `audiowriter` command. This module imports no gRPC, which reads its environment when it is imported."""

import os
import signal
import sys
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    """Run the command and return its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    if sys.argv[1:2] == ["serve"]:
        # Does not import the client: only the server's own entry point sets gRPC's variables before gRPC is imported.
        from audiowriter_server.__main__ import serve

        return serve(sys.argv[2:], "audiowriter serve")
    for number in _SIGNALS:
        signal.signal(number, _interrupted)
    # The command prints one line per error. Without this, gRPC prints its own log lines as well.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        from audiowriter_cli.app import run
    except ModuleNotFoundError as error:
        print(f"audiowriter: {error.name} is missing: pip install 'audiowriter[cli]'", file=sys.stderr)
        return 2
    return run(sys.argv[1:])


def _interrupted(number: int, _: object) -> NoReturn:
    # The clean-up removes the unfinished file and takes at most seconds: a second signal must not interrupt it.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)
