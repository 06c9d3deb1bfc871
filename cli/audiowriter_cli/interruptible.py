"""Runs work that a signal may interrupt at any moment."""

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
    """Run `work` on its own thread and return its result. An exception raised by a signal is raised after `stop`.

    The main thread only waits for signals. An exception in the middle of gRPC's code, or in a callback of a codec, would
    leave it in a broken state, and a signal that arrives just before a blocking call would have no effect until it returns.
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
            # It is blocked on stdin or stdout, or in a decoder. The interpreter may crash if it shuts down while a
            # thread runs.
            sys.stderr.flush()
            os._exit(int(error.code or 0))
        raise
    return outcome.result()
