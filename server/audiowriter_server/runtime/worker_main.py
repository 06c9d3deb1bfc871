"""`python -m audiowriter_server.runtime.worker_main` runs one worker of a supervisor.

It reads its settings from environment variables. Its stdin is a socket to the supervisor.
"""

import os
import socket
import sys

from .grpc_env import tune_grpc
from .settings import Settings


def main() -> int:
    """Serve until a signal, or until the supervisor has ended; return the exit code."""
    settings = Settings.from_variables(os.environ)
    tune_grpc(settings)
    from .process import run

    return run(settings, socket.socket(fileno=os.dup(0)))


if __name__ == "__main__":
    sys.exit(main())
