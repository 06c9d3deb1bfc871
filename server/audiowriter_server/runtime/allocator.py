"""Makes glibc's allocator return the memory of streams that have ended. Other C libraries are left alone."""

import asyncio
import ctypes
import sys
from collections.abc import Callable
from typing import Any, NoReturn

_M_MMAP_THRESHOLD = -3
_MMAP_BYTES = 1024 * 1024
_TRIM_S = 5.0


def return_large_blocks() -> None:
    """Let each block of 1 MiB or more be a mapping of its own, which goes back to the kernel when it is freed.

    glibc starts with 128 KiB, but raises the limit to the largest block that was ever freed, and then also keeps free memory
    at the end of the heap. After 1000 cancelled streams, a process kept 164 MB instead of 83. A fixed limit ends both. With
    128 KiB, gRPC's read buffers would be mapped for every message.
    """
    if hasattr(_libc(), "mallopt"):
        _libc().mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)


async def return_free_pages(is_idle: Callable[[], bool]) -> NoReturn:
    """Return free pages inside the heap to the kernel, every five seconds while the server is idle.

    This takes 5 ms if there is little to return, and 0.4 ms per MB. Other threads cannot allocate meanwhile, so it is not
    done while streams are live. After 180 clients had sent requests of 4 MB, a process kept 190 MB instead of 82.
    """
    while True:
        await asyncio.sleep(_TRIM_S)
        if is_idle() and hasattr(_libc(), "malloc_trim"):
            await asyncio.to_thread(_libc().malloc_trim, 0)


def _libc() -> Any:
    return ctypes.CDLL(None) if sys.platform == "linux" else None
