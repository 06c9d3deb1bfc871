"""A clock that stands still while the process does not run."""

import asyncio
import time
from collections.abc import Callable
from typing import NoReturn

TICK_S = 0.5
MAX_GAP_S = 1.0
"""A longer gap between two readings is time in which the process did not run. Shorter ones are counted in full."""


class RunningClock:
    """Seconds that this process has run, for timeouts that wait for others.

    While a process is stopped (SIGSTOP, a frozen virtual machine), it cannot read what others have sent, but the system's
    monotonic clock goes on. `run` reads that clock every TICK_S, so that `now` can recognise such a time by the gap.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._read_at = monotonic()
        self._not_run = 0.0
        self.soon = self._read_at + TICK_S
        """An upper bound of `now()`, which costs less. At most TICK_S too high while `run` is running."""

    def now(self) -> float:
        """Return the time in seconds. The start is arbitrary."""
        time_s = self._monotonic()
        gap = time_s - self._read_at
        if gap > MAX_GAP_S:
            self._not_run += gap - TICK_S
        self._read_at = time_s
        time_s -= self._not_run
        self.soon = time_s + TICK_S
        return time_s

    async def run(self) -> NoReturn:
        """Read the clock every TICK_S. Without it, a time without calls of `now` looks like a gap."""
        while True:
            self.now()
            await asyncio.sleep(TICK_S)
