"""Work that a signal can end anywhere without harm."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_POLL_S = 0.1
GRACE_S = 1.0

Result = TypeVar("Result")


def run_interruptibly(work: Callable[[], Result], stop: Callable[[], None]) -> Result:
    """Run `work` on a thread of its own; what a signal raises is raised here, after `stop`.

    On the main thread an exception may strike amid gRPC's bookkeeping and leave it waiting for itself, and a signal that
    comes just before a blocking call is not seen until that returns. So that thread only looks for signals.
    """
    outcome: Future[Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    thread = threading.Thread(target=run, daemon=True)  # it may be blocked on stdin for ever
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_POLL_S)
    except BaseException:
        stop()
        thread.join(GRACE_S)
        raise
    return outcome.result()
