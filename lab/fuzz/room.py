"""The memory of the fuzzed server: a cgroup that limits it where root can make one, and its places before and after."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from grpc import RpcError
from support.server import Error, ServerProcess, Stream, channel_to

from lab.faults.memory import LIMIT_BYTES
from lab.faults.watch import Watched

_ROOT = Path("/sys/fs/cgroup")
_STREAMS, _STREAMS_PER_CONNECTION = 160, 40


@contextmanager
def memory_cgroup() -> Iterator[Path | None]:
    """Make a cgroup with LIMIT_BYTES of memory, beyond which the kernel kills a process; None where this is not allowed."""
    for parent, limit in _parents():
        group = parent / f"audiowriter-fuzz-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            try:
                (group / limit).write_text(str(LIMIT_BYTES))
            except OSError:  # version 2, in a group whose controllers are not delegated
                continue
            yield group
            return
        finally:
            group.rmdir()
    yield None


def _parents() -> Iterator[tuple[Path, str]]:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, own = line.split(":", 2)
        if "memory" in controllers.split(","):
            yield _ROOT / "memory" / own.lstrip("/"), "memory.limit_in_bytes"
            yield _ROOT / "memory", "memory.limit_in_bytes"
        elif not controllers:
            yield _ROOT / own.lstrip("/"), "memory.max"
            yield _ROOT, "memory.max"


def program(group: Path | None) -> tuple[str, ...]:
    """Return the program of a server that joins the group before it starts."""
    return ("-m", "lab.fuzz.joined", str(group)) if group else ("-m", "audiowriter_server")


def peak_bytes(server: ServerProcess) -> int:
    """Return the most resident memory that the server has had. proc(5): VmHWM, in KiB."""
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def places(server: Watched) -> int:
    """Open more streams at once than the memory allows; return how many the server admitted, and cancel them."""
    with ExitStack() as stack:
        streams = []
        for number in range(_STREAMS):
            if number % _STREAMS_PER_CONNECTION == 0:
                channel = stack.enter_context(channel_to(server))
            streams.append(Stream(channel))
        admitted = sum(map(_is_admitted, streams))
        for stream in streams:
            stream.call.cancel()
            stream.half_close()
    server.settle()
    assert admitted < _STREAMS, "the memory has no limit"
    return admitted


def _is_admitted(stream: Stream) -> bool:
    try:
        stream.start()
    except RpcError as error:
        assert Error(error).info.reason == "MAX_MEMORY_BYTES_EXCEEDED", Error(error).named
        return False
    return True
