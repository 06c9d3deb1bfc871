"""Work that a signal can end at any moment without harm."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_POLL_S = 0.1
GRACE_S = 1.0

Result = TypeVar("Result")


def run_interruptibly(work: Callable[[], Result], stop: Callable[[], None]) -> Result:
    """Run `work` on a thread of its own and return its result. An exception that a signal raises is raised after `stop`.

    The main thread only waits for signals: an exception in the middle of gRPC's bookkeeping, or of a callback from a codec,
    would do harm there, and a signal that arrives just before a blocking call would not be seen until that returns.
    """
    outcome: Future[Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    thread = threading.Thread(target=run, daemon=True)  # it may be blocked on stdin forever
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_POLL_S)
    except BaseException as error:
        stop()
        thread.join(GRACE_S)
        if thread.is_alive() and isinstance(error, SystemExit):
            # Blocked on stdin or stdout, or in a decoder. An interpreter that shuts down under such a thread may crash.
            sys.stderr.flush()
            os._exit(int(error.code or 0))
        raise
    return outcome.result()
