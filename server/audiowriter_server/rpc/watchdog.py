"""Timeouts of a stream. Each wait costs two assignments.

asyncio.timeout would create and cancel a timer for every message of every stream. Here each stream has one timer. When the
timer fires, it checks the deadline, and is set again if the deadline has moved.
"""

import asyncio
from dataclasses import dataclass
from types import TracebackType

from ..errors import TimedOut


@dataclass(frozen=True)
class Wait:
    """A kind of wait, with its timeout."""

    limit: str
    """Name of the setting that has the timeout."""
    seconds: float
    text: str
    """Message of the error."""


class Watchdog:
    """Cancels its task when a wait takes too long, and turns the cancellation into TimedOut.

    with Watchdog() as watchdog:
        watchdog.expect(Wait("idle_timeout", 60, "no message for 60 s"))
        await ...
        watchdog.pause()
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._deadline = float("inf")
        self._error: TimedOut | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = float("inf")
        self._task = asyncio.current_task()
        self._wait: Wait

    def expect(self, wait: Wait) -> None:
        """Start a wait. It ends with the next call of `expect` or `pause`, or the task gets TimedOut."""
        self._deadline = self._loop.time() + wait.seconds
        self._wait = wait
        if self._timer_due > self._deadline:
            self._set_timer()

    def pause(self) -> None:
        """End the wait and start no other."""
        self._deadline = float("inf")

    def __enter__(self) -> "Watchdog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if kind is asyncio.CancelledError and self._error is not None:
            raise self._error from error

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = self._deadline
        self._timer = self._loop.call_at(self._deadline, self._check)

    def _check(self) -> None:
        self._timer, self._timer_due = None, float("inf")
        if self._loop.time() >= self._deadline:
            self._error = TimedOut(self._wait.text, self._wait.limit, self._wait.seconds)
            if self._task is not None:
                self._task.cancel()
        elif self._deadline < float("inf"):
            self._set_timer()
        else:
            # There is no wait now. The next one probably has the same timeout, so check again after that time.
            self._timer_due = self._loop.time() + self._wait.seconds
            self._timer = self._loop.call_at(self._timer_due, self._check)
