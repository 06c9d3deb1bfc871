"""Timeouts of a stream. Each wait costs three assignments.

asyncio.timeout would create and cancel a timer for every message of every stream. Here each stream has one timer. When the
timer fires, it checks the deadline, and is set again if the deadline has moved. Time in which the process did not run is
not counted.
"""

import asyncio
from dataclasses import dataclass
from types import TracebackType

from audiowriter_core import AudioEncoder

from ..clock import RunningClock
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

    with Watchdog(clock) as watchdog:
        watchdog.expect(Wait("idle_timeout", 60, "no message for 60 s"))
        await ...
        watchdog.pause()
    """

    def __init__(self, clock: RunningClock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._deadline = float("inf")
        self._error: TimedOut | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = float("inf")
        self._task = asyncio.current_task()
        self._wait: Wait

    def expect(self, wait: Wait, since: float | None = None) -> None:
        """Start a wait. It ends with the next call of `expect` or `pause`, or the task gets TimedOut.

        `since`: the time of the clock from which the wait counts. Default: now, or up to TICK_S later.
        """
        deadline = self._deadline = (self._clock.soon if since is None else since) + wait.seconds
        self._wait = wait
        if self._timer_due > deadline:
            self._set_timer(deadline)

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

    def _set_timer(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = due
        self._timer = self._loop.call_later(due - self._clock.now(), self._check)

    def _check(self) -> None:
        self._timer, self._timer_due = None, float("inf")
        now = self._clock.now()
        if now >= self._deadline:
            self._error = TimedOut(self._wait.text, self._wait.limit, self._wait.seconds)
            if self._task is not None:
                self._task.cancel()
        elif self._deadline < float("inf"):
            self._set_timer(self._deadline)
        else:
            # There is no wait now. The next one probably has the same timeout, so check again after that time.
            self._set_timer(now + self._wait.seconds)


class Activity:
    """Decides since when a stream is idle. Messages without audio do not count, and audio only if it is enough.

    Otherwise a client could hold a place for hours with an empty message, or one sample, per timeout.
    """

    def __init__(self, clock: RunningClock, encoder: AudioEncoder, enough_seconds: float) -> None:
        """`enough_seconds`: audio that ends an idle time. Less than that is enough if a flush follows it."""
        self._clock, self._encoder = clock, encoder
        self._enough_bytes = max(1, enough_seconds * encoder.cost.bytes_per_second)
        self._since = clock.now()
        self._bytes = encoder.input_bytes

    def since(self, flush: bool) -> float:
        """Return the time since when the stream is idle, after a message. `flush`: whether the message asked for one."""
        new = self._encoder.input_bytes - self._bytes
        if new >= self._enough_bytes or (flush and new):
            self._bytes += new
            self._since = self._clock.now()
        return self._since
