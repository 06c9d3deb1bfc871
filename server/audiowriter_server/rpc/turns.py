"""Bounds the work of one caller in each pass of the event loop, so that it delays other callers for a short time only.

In each pass, the event loop handles everything that has arrived. Without turns, a frame of one caller would wait for a
message of every stream of another: 50 streams with messages of 2 ms delay it by 100 ms.
"""

import asyncio
from collections import deque
from collections.abc import Callable

PASS_MS = 10.0
"""Maximum expected time, in ms, of one pass of the event loop, shared by the callers that have work in it."""

MESSAGE_MS = 0.2
"""Time of a message on the event loop, in ms, apart from encoding: it is read, and its responses are written."""

CALL_MS = 1.0
"""Time of the start of a call on the event loop, in ms."""

OPEN_MS = 2.0
"""Time to check a config and to open its encoder, in ms. 0.1 to 2.1 ms were measured."""

COUNTED_MS = 2.5
"""Time, in ms, of all callers that is counted before the start of a new pass is noticed. To notice it costs the event loop
another pass, which the messages of a few live streams should not cost each. Their time is counted over several passes."""

_Waiting = deque[tuple["asyncio.Future[None]", float]]


class Turns:
    """Lets work run in this pass, or in one of the next. One instance per event loop.

    The messages of a caller wait for each other only. A caller without recent work never waits.
    """

    def __init__(self, account: Callable[[str, float], None]) -> None:
        """`account` is called with a caller and the seconds that its work took."""
        self._account = account
        self._spent: dict[str, float] = {}
        self._total = 0.0
        self._share = PASS_MS
        self._waiting: dict[str, _Waiting] = {}
        self._scheduled = False

    def take(self, caller: str, ms: float) -> bool:
        """Return whether work of `ms` may run now, and count it. If not, await `wait`."""
        spent = self._spent.get(caller, 0.0) + ms
        if (spent > self._share or caller in self._waiting) and caller in self._spent:
            self._schedule()
            return False
        self._spent[caller] = spent
        self._total += ms
        if self._total > COUNTED_MS:
            self._schedule()
        return True

    async def wait(self, caller: str, ms: float) -> None:
        """Wait for a pass in which this work may run, after the work of the caller that waits already."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append((future, ms))
        await future

    async def turn(self, caller: str, ms: float) -> None:
        """Take a turn, and wait for it if necessary."""
        if not self.take(caller, ms):
            await self.wait(caller, ms)

    def charge(self, caller: str, ms: float) -> None:
        """Count time that work took beyond what was expected. Other work of the caller then waits for the next pass."""
        if caller in self._spent:
            self._spent[caller] += ms

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._next_pass)

    def _next_pass(self) -> None:
        self._scheduled = False
        self._share = PASS_MS / max(1, len(self._spent))
        for caller, ms in self._spent.items():
            self._account(caller, ms / 1000)
        self._spent, self._total = {}, 0.0
        for caller in tuple(self._waiting):
            self._start(caller)
        if self._spent:
            self._schedule()

    def _start(self, caller: str) -> None:
        """Start the work of a caller that waits: as much as its share allows, and at least one message."""
        queue, spent = self._waiting[caller], 0.0
        while queue:
            future, ms = queue[0]
            if spent and spent + ms > self._share:
                break
            queue.popleft()
            if not future.done():  # the call was cancelled
                future.set_result(None)
                spent += ms
        if spent:
            self._spent[caller] = spent
        if not queue:
            del self._waiting[caller]
