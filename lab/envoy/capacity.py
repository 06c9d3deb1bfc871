"""Computes the resources of many streams from the cost of one. Every assumption is a constant here."""

import math
from dataclasses import dataclass
from typing import Any

TARGET_LOAD = 0.6
"""Average load of a core: with the spread that balancing leaves, the busiest server stays below four fifths."""
NODE_CORES, NODE_GIB = 32, 128
NODE_OWN_CORES = 2
"""Cores of a node for Kubernetes, logs and metrics."""
SPARE = 0.05
"""Share of spare nodes, at least one node."""
SERVER_MIB = 50
"""Memory of a process without streams."""
INPUT_BYTES_PER_S = 48_000
"""24 kHz, 16 bits, mono."""
MESSAGES_PER_S = 50
MESSAGE_OVERHEAD_BYTES = 80
"""Overhead of a message on the wire: protobuf, gRPC, HTTP/2, and one TCP segment per message."""
CORE_HOUR_USD = 0.04
"""Approximate price of a rented core; replace it by yours."""

SIZES = {"1 k": 1_000, "100 k": 100_000, "10 M": 10_000_000}


@dataclass(frozen=True)
class Need:
    """The resources for a number of live streams of one format."""

    servers: int
    server_cores: float
    envoy_cores: float
    nodes: int
    memory_gib: float
    gbit_in: float
    gbit_out: float

    @property
    def usd_per_hour(self) -> float:
        return self.nodes * NODE_CORES * CORE_HOUR_USD


def streams_per_core(cost: dict[str, Any]) -> int:
    """Return how many streams a server process on one core can run at the target load."""
    return int(TARGET_LOAD * 1000 / cost["server_ms_per_s"])


def need(cost: dict[str, Any], streams: int) -> Need:
    """Return the resources for this many streams. `cost`: a format of docs/scaling-cost.json in messages of 20 ms."""
    servers = math.ceil(streams / streams_per_core(cost))
    envoy_cores = streams * cost["envoy_ms_per_s"] / 1000 / TARGET_LOAD
    memory_gib = (servers * SERVER_MIB * 2**20 + streams * cost["memory_bytes"]) / 2**30
    by_cores = (servers + envoy_cores) / (NODE_CORES - NODE_OWN_CORES)
    nodes = math.ceil(max(by_cores, memory_gib / NODE_GIB))
    overhead = MESSAGES_PER_S * MESSAGE_OVERHEAD_BYTES
    return Need(
        servers=servers,
        server_cores=servers,
        envoy_cores=envoy_cores,
        nodes=nodes + max(1, math.ceil(SPARE * nodes)),
        memory_gib=memory_gib,
        gbit_in=streams * (INPUT_BYTES_PER_S + overhead) * 8 / 1e9,
        gbit_out=streams * (cost["encoded_bytes_per_s"] + overhead) * 8 / 1e9,
    )
