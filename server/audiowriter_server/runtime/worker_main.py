"""`python -m audiowriter_server.runtime.worker_main`: one of several processes.

Its settings come in variables; it drains when the process that started it is gone.
"""

import os
import signal
import sys
import threading

from ..__main__ import main


def _drain_when_orphaned() -> None:
    # Not sys.stdin: a thread that waits in it makes the interpreter's exit a crash.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_drain_when_orphaned, name="orphan", daemon=True).start()
    sys.exit(main())
