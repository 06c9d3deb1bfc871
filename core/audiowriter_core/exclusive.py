"""Keeps native memory alive while a call uses it."""

import threading
from collections.abc import Callable
from types import TracebackType

from .errors import WrongState


class Exclusive:
    """Runs one call at a time on a resource, and frees the resource when it is closed and no call uses it.

    A codec may work on a thread that the owner of the stream cannot stop. Whatever ends the stream (a cancellation, a second
    one, the end of the process) calls close(): if a call is running then, the thread that runs it frees the resource when it
    leaves.

        with exclusive:
            codec.encode(samples)
    """

    def __init__(self, free: Callable[[], None]) -> None:
        self._free = free
        self._lock = threading.Lock()
        self._used = False
        self._closed = False

    def __enter__(self) -> None:
        with self._lock:
            if self._closed:
                raise WrongState("the encoder is closed")
            if self._used:
                raise WrongState("the encoder is in use by another thread")
            self._used = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._used = False
            free = self._closed
        if free:
            self._free()

    def close(self) -> None:
        """Free the resource now, or at the end of the call that uses it. Idempotent, from any thread."""
        with self._lock:
            free = not (self._closed or self._used)
            self._closed = True
        if free:
            self._free()
