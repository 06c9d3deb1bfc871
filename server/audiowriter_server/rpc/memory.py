"""The memory budget of a process. Each call reserves the most memory that it can hold: for messages and an ordinary encoder
before its first message is read, and for a larger encoder when its config is known.

A call that does not fit is refused with UNAVAILABLE, so that the client tries another server. Therefore the process cannot
run out of memory, whatever its clients send.
"""

from contextlib import suppress
from pathlib import Path

from audiowriter_core import AudioEncoder

from ..errors import MemoryFull
from ..runtime.settings import MIB, Settings

_CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_MEMINFO = Path("/proc/meminfo")

PROCESS_BYTES = 128 * MIB
"""Memory of a process without calls: 90 MiB, and what gRPC and the allocator keep."""

SHARE = 0.8
"""Share of the machine's or the container's memory that is used by default. The allocator does not return all of it."""

ENCODER_BYTES = MIB
"""Maximum memory of most encoders with one slice of their output. Ogg Vorbis with 8 channels takes 0.8 MiB."""


def stream_bytes(settings: Settings) -> int:
    """Return the most memory, in bytes, that an EncodeStream call can hold: one message, and the encoder."""
    return settings.max_message_bytes + ENCODER_BYTES


def unary_bytes(message_bytes: int) -> int:
    """Return the most memory, in bytes, that an Encode call with messages of at most this length can hold.

    It holds the request, a copy of its PCM, the file, and the response that contains the file.
    """
    return 4 * message_bytes + ENCODER_BYTES


class Reservation:
    """Memory that one call has reserved. A context manager, which returns the memory at its end."""

    def __init__(self, budget: "MemoryBudget", size: int) -> None:
        self._budget, self._size = budget, size

    def add_encoder(self, encoder: AudioEncoder) -> None:
        """Reserve what this encoder takes beyond ENCODER_BYTES. Raises MemoryFull."""
        if (more := encoder.cost.memory_bytes - ENCODER_BYTES) > 0:
            self._budget.take(more)
            self._size += more

    def shrink(self, size: int) -> None:
        """Return all but `size` bytes."""
        if size < self._size:
            self._budget.reserved -= self._size - size
            self._size = size

    def __enter__(self) -> "Reservation":
        return self

    def __exit__(self, *_: object) -> None:
        self.shrink(0)


class MemoryBudget:
    """Counts the bytes that the live calls have reserved. One instance per process."""

    def __init__(self, settings: Settings) -> None:
        """`max_memory_bytes` is the memory of all workers together. 0: 80 % of the container's or the machine's memory."""
        total = settings.max_memory_bytes or int(SHARE * available_bytes())
        self.limit = max(0, total // settings.workers - PROCESS_BYTES)
        self.reserved = 0
        self.stream_bytes = stream_bytes(settings)
        """What a stream reserves before its config is known."""

    def reserve(self, size: int) -> Reservation:
        """Reserve memory for a call. Raises MemoryFull if the budget is spent."""
        self.take(size)
        return Reservation(self, size)

    def take(self, size: int) -> None:
        """Count memory as reserved. Raises MemoryFull if the budget is spent."""
        if self.reserved + size > self.limit:
            raise MemoryFull(self.limit, self.reserved, size)
        self.reserved += size


def available_bytes() -> int:
    """Return the memory limit of the container, or else the memory of the machine, in bytes."""
    sizes = [int(line.split()[1]) * 1024 for line in _MEMINFO.read_text().splitlines() if line.startswith("MemTotal:")]
    for path in _CGROUPS:
        with suppress(OSError, ValueError):  # another version of cgroups, or "max"
            sizes.append(int(path.read_text()))
    return min(sizes)
