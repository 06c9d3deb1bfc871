"""The `audiowriter` command."""

import os
import signal
import sys


def main() -> int:
    """Run the command and return its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    if sys.argv[1:2] == ["serve"]:
        # Again, without the client: gRPC can only be tuned before it is imported, and the client has done that.
        command = [sys.executable, "-P", "-m", "audiowriter_server", *sys.argv[2:]]
        os.execv(sys.executable, command)  # noqa: S606
    # kill must clean up as Ctrl-C does; without this it would leave a half-written file.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        from audiowriter_client.cli.app import run
    except ModuleNotFoundError as error:
        print(f"audiowriter: {error.name} is missing: pip install 'audiowriter[cli]'", file=sys.stderr)
        return 2
    return run(sys.argv[1:])
