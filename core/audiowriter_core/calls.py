"""The calls of one stream: one at a time, in an order that `states.ALLOWED` allows, and freed when no call uses it."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Self

from .audio.arrays import Pcm
from .errors import WrongState
from .events import Event
from .pipeline import Pipeline
from .states import ALLOWED, State


class Calls(ABC):
    """Opens the pipeline with the first call, and frees it at the end."""

    def __init__(self) -> None:
        self.state = State.NEW
        self._allowed = ALLOWED[State.NEW]
        self._in_use = threading.Lock()
        """Held by the running call."""
        self._closed = False
        self._pipeline: Pipeline | None = None

    @abstractmethod
    def _begin(self, first: Pcm, events: list[Event]) -> Pipeline:
        """Open and return the pipeline; add the first events. `first`: the argument of the first call."""

    def close(self) -> None:
        """Free native memory: now, or when the running call ends. Idempotent; may be called from any thread."""
        self._closed = True
        self._enter(State.CLOSED)
        self._free_unless_in_use()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, name: str, run: Callable[[Pipeline, Pcm, list[Event]], None], pcm: Pcm) -> list[Event]:
        after = self._allowed.get(name)
        if after is None:
            raise WrongState(f"{name}() is not allowed on a stream that is {self.state.value}")
        if not self._in_use.acquire(blocking=False):
            raise WrongState("the encoder is in use by another thread")
        events: list[Event] = []
        try:
            run(self._pipeline or self._begin(pcm, events), pcm, events)
        except BaseException:
            after = State.FAILED
            raise
        finally:
            if after is not self.state is not State.CLOSED:
                self._enter(after)
            self._in_use.release()
            if self._closed:  # read after the release: a close before it has not got the lock
                self._free_unless_in_use()
        return events

    def _enter(self, state: State) -> None:
        self.state = state
        self._allowed = ALLOWED[state]

    def _free_unless_in_use(self) -> None:
        if self._in_use.acquire(blocking=False):
            pipeline, self._pipeline = self._pipeline, None
            self._in_use.release()
            if pipeline is not None:
                pipeline.close()
