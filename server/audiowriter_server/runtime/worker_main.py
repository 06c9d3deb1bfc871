"""`python -m audiowriter_server.runtime.worker_main` runs one worker of a supervisor.

It reads its settings from environment variables, and drains when the supervisor has ended.
"""

import os
import signal
import sys
import threading

from ..__main__ import main


def _drain_when_orphaned() -> None:
    # Not sys.stdin, because the interpreter crashes at exit if a thread waits there.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_drain_when_orphaned, name="orphan", daemon=True).start()
    sys.exit(main())
