"""Reads the metrics endpoint of a server."""

import socket
import weakref
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from support.server import LIMIT_S

Samples = dict[tuple[str, ...], float]


class Metrics:
    """The endpoint. `flag` is the option that makes a server serve it."""

    def __init__(self) -> None:
        # It stays bound, and does not listen: the server may bind it, too, and no other process is given it meanwhile.
        held = socket.socket()
        weakref.finalize(self, held.close)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        self.port: int = held.getsockname()[1]
        self.flag = f"--metrics-port={self.port}"

    def read(self) -> Samples:
        """Return values by name and labels' values, in the order of the labels' names."""
        with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=LIMIT_S) as answer:
            text = answer.read().decode()
        return {
            (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def total(self, name: str) -> float:
        """Return the sum over all labels."""
        return sum(value for key, value in self.read().items() if key[0] == name)

    def value(self, *key: str) -> float:
        return self.read().get(key, 0)
