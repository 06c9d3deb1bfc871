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
        self._in_use = threading.Lock()
        """Held by the running call."""
        self._closed = False

    def __enter__(self) -> None:
        if not self._in_use.acquire(blocking=False):
            raise WrongState("the encoder is in use by another thread")
        if self._closed:
            self._in_use.release()
            self._free_unless_in_use()  # close() may have found the lock taken by this call
            raise WrongState("the encoder is closed")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._in_use.release()
        if self._closed:  # read after the release: a close before it has not got the lock
            self._free_unless_in_use()

    def close(self) -> None:
        """Free the resource: now, or when the running call ends. Idempotent; may be called from any thread."""
        self._closed = True
        self._free_unless_in_use()

    def _free_unless_in_use(self) -> None:
        if self._in_use.acquire(blocking=False):
            # Without this reference, the owner is freed when nobody uses it, not at the next garbage collection.
            free, self._free = self._free, _nothing
            self._in_use.release()
            free()


def _nothing() -> None:
    pass
