"""Frees native memory only when no call uses it."""

import threading
from collections.abc import Callable
from types import TracebackType

from .errors import WrongState


class Exclusive:
    """Allows one call at a time on a resource. Frees the resource when it is closed and no call uses it.

    A codec may run on a thread that cannot be stopped. If the stream ends in the meantime, for example because its task was
    cancelled, close() returns at once. The thread then frees the resource at the end of its call.

        with exclusive:
            codec.encode(samples)
    """

    def __init__(self, free: Callable[[], None]) -> None:
        self._free = free
        self._lock = threading.Lock()
        self._in_use = False
        self._closed = False

    def __enter__(self) -> None:
        with self._lock:
            if self._closed:
                raise WrongState("the encoder is closed")
            if self._in_use:
                raise WrongState("the encoder is in use by another thread")
            self._in_use = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._in_use = False
            free = self._closed
        if free:
            self._free_once()

    def close(self) -> None:
        """Free the resource: now, or when the running call ends. Idempotent; may be called from any thread."""
        with self._lock:
            free = not (self._closed or self._in_use)
            self._closed = True
        if free:
            self._free_once()

    def _free_once(self) -> None:
        # Without this reference, the owner is freed when nobody uses it, not at the next garbage collection.
        free, self._free = self._free, _nothing
        free()


def _nothing() -> None:
    pass
