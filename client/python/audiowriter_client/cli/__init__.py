"""The `audiowriter` command."""

import os
import signal
import sys
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _interrupted(number: int, _: object) -> NoReturn:
    # The clean-up removes the unfinished file and takes at most seconds: a second signal must not interrupt it.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def main() -> int:
    """Run the command and return its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    if sys.argv[1:2] == ["serve"]:
        # Again, without the client: gRPC can only be tuned before it is imported, and the client has done that.
        command = [sys.executable, "-P", "-m", "audiowriter_server", *sys.argv[2:]]
        os.execv(sys.executable, command)  # noqa: S606
    for number in _SIGNALS:
        signal.signal(number, _interrupted)
    try:
        from audiowriter_client.cli.app import run
    except ModuleNotFoundError as error:
        print(f"audiowriter: {error.name} is missing: pip install 'audiowriter[cli]'", file=sys.stderr)
        return 2
    return run(sys.argv[1:])
