"""A server that is observed."""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from support.metrics import Metrics
from support.server import ServerProcess, poll

TICK_S = 0.25
MB = 1_000_000


@dataclass(frozen=True)
class Setting:
    """Arguments, environment and program to start a server with."""

    flags: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    workers: int = 1
    program: tuple[str, ...] = ("-m", "audiowriter_server")


class Watched(ServerProcess):
    """Records memory and live streams four times per second, for the table.

    `first`, `most` and `last` are pairs of resident bytes, over all workers, and live streams. `folder` is for files that
    a fault needs.
    """

    def __init__(self, setting: Setting, folder: Path) -> None:
        self.folder = folder
        self.metrics = Metrics()
        super().__init__(
            self.metrics.flag,
            *setting.flags,
            workers=setting.workers,
            variables=setting.variables,
            program=setting.program,
        )
        self.first = self.most = self.last = (self.resident_bytes(), 0)
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch)

    def pids(self) -> list[int]:
        """Return the process IDs of all workers, including those that have ended."""
        return [line["pid"] for line in self.log if str(line["message"]).startswith("listening on ")]

    def resident_bytes(self) -> int:
        return sum(map(_resident_bytes, self.pids()))

    def cpu_seconds(self) -> float:
        return sum(map(cpu_seconds, self.pids()))

    def live(self) -> int:
        streams = int(self.metrics.total("audiowriter_live_streams"))
        self.most = (self.most[0], max(self.most[1], streams))
        return streams

    def grown(self) -> int:
        """Return the bytes between the first and the largest sample."""
        return self.most[0] - self.first[0]

    def look(self) -> None:
        try:
            self.last = (self.resident_bytes(), self.live())
        except OSError:  # killed, or about to end
            if self.process.poll() is not None:
                self.last = (0, 0)
            return
        self.most = (max(self.most[0], self.last[0]), self.most[1])

    def settle(self) -> None:
        """Wait until no stream is live."""
        poll(lambda: self.live() == 0, f"{self.live()} streams are still live")
        self.look()

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._watcher.join()
        super().__exit__(*error)

    def _watch(self) -> None:
        while not self._over.wait(TICK_S):
            self.look()


def _resident_bytes(pid: int) -> int:
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """Return columns 14 and 15 of stat; the name in column 2 is in brackets and may contain any character."""
    columns = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(columns[11]) + int(columns[12])) / os.sysconf("SC_CLK_TCK")
