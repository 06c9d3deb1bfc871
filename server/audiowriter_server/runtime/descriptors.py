"""File descriptors: each connection takes one, and a process without free ones cannot even refuse a connection."""

import os
import resource
from contextlib import suppress

RESERVE = 64
"""Descriptors that connections leave free: for reloaded files, metrics, and connections on their way to be refused."""


def raise_limit() -> None:
    """Raise the soft limit of this process to the hard one. The soft limit is low for programs that use select()."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS has no hard limit, but does not accept that as the soft one
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class ConnectionSpace:
    """Knows whether the process can accept another connection."""

    def __init__(self, max_connections: int) -> None:
        self.max_connections = max(1, min(max_connections, _limit() - _used() - RESERVE))
        """As many as asked for, or fewer if there are not enough descriptors."""
        self._full = _limit()

    def listening(self) -> None:
        """Take the descriptors that are in use now for those that are no connections."""
        # A few less, because some of the others may be closed later.
        self._full = _used() + self.max_connections - self.max_connections // 50

    def is_full(self) -> bool:
        """Whether new connections will be closed at once, or soon."""
        return _used() >= self._full


def _limit() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2**31 - 1 if soft == resource.RLIM_INFINITY else soft


def _used() -> int:
    """Return the lowest free descriptor. All below are in use, and there is no cheaper way to count them."""
    try:
        descriptor = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return _limit()
    os.close(descriptor)
    return descriptor
