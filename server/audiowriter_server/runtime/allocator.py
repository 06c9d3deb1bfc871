"""Makes glibc's allocator return the memory of streams that have ended."""

import ctypes
import sys

_M_MMAP_THRESHOLD = -3
_MMAP_BYTES = 128 * 1024


def return_large_blocks() -> None:
    """Let each large block be a mapping of its own, which goes back to the kernel when it is freed.

    128 KiB is glibc's default, but it raises the limit to the largest block that was ever freed. Encoders take blocks of
    1 MB, which then fragment the heap: after 1000 cancelled streams, a process kept 164 MB instead of 85.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            libc.mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)
