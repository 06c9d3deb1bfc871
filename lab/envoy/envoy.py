"""Runs the real Envoy with the shipped configuration; only its ports and its name server are changed."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.request import urlopen

import yaml
from support.names import Names
from support.server import LIMIT_S, ServerProcess, poll

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "deploy/envoy/envoy.yaml"


class Envoy:
    """`target`: the address on which Envoy accepts calls. The servers are those that `names` returns, on one port."""

    def __init__(self, names: Names, port: int) -> None:
        self.admin, self.status, clients = (f"127.0.0.1:{port}" for port in free_ports(3))
        self.target = clients
        config = _with_addresses(self.admin, self.status, clients, names, port)
        command = [
            str(Path(sys.executable).parent / "envoy"),
            *("--config-yaml", json.dumps(config)),
            *("--concurrency", "2"),
            *("--log-level", "warning"),
            *("--file-flush-interval-msec", "100"),
            *("--drain-strategy", "immediate"),
            "--disable-hot-restart",
        ]
        self.calls: list[dict[str, Any]] = []
        self.log: list[str] = []
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                self.calls.append(json.loads(line))
            except ValueError:
                self.log.append(line)

    def wait_until_healthy(self, *servers: str) -> None:
        """Wait until exactly these servers receive calls."""
        poll(lambda: self.healthy() == sorted(servers), f"Envoy does not use the servers {servers}: {self.log}")

    def healthy(self) -> list[str]:
        """Return the servers that receive calls."""
        return sorted(server for server, host in self._hosts().items() if host["health"] == "HEALTHY")

    def live(self) -> dict[str, int]:
        """Return the number of active calls on each server, as counted by Envoy."""
        return {server: host["active"] for server, host in self._hosts().items()}

    def _hosts(self) -> dict[str, dict[str, Any]]:
        """Return the servers by address. A server that was never reached has failed its health check too."""
        try:
            clusters = json.loads(self.ask("/clusters?format=json"))["cluster_statuses"]
        except OSError:
            assert self.process.poll() is None, self.log
            return {}
        hosts = {}
        for host in next(one for one in clusters if one["name"] == "audiowriter").get("host_statuses", []):
            address = host["address"]["socket_address"]
            health = host["health_status"]
            failed = [name for name, value in health.items() if name != "eds_health_status" and value]
            stats = {stat["name"]: int(stat.get("value", 0)) for stat in host["stats"]}
            hosts[f"{address['address']}:{address['port_value']}"] = {
                "health": "HEALTHY" if not failed else " ".join(failed),
                "active": stats["rq_active"],
            }
        return hosts

    def stat(self, name: str) -> int:
        """Return the value of a counter or a gauge."""
        return int(self.ask(f"/stats?filter=^{name}$").rpartition(": ")[2])

    def ask(self, path: str) -> str:
        """Send a request to Envoy's administration interface."""
        with urlopen(f"http://{self.admin}{path}", timeout=LIMIT_S) as answer:
            return str(answer.read().decode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(LIMIT_S)
        self._reader.join(LIMIT_S)
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def one_server(*flags: str) -> Iterator[tuple[ServerProcess, Envoy]]:
    """Start a server behind Envoy and wait until both are ready."""
    with ServerProcess(*flags) as server:
        host, _, port = server.target.rpartition(":")
        with Names([host]) as names, Envoy(names, int(port)) as envoy:
            envoy.wait_until_healthy(server.target)
            yield server, envoy


def free_ports(count: int) -> list[int]:
    """Return ports on which no process listens."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _with_addresses(admin: str, status: str, clients: str, names: Names, port: int) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
    resources = config["static_resources"]
    listeners = {one["name"]: one for one in resources["listeners"]}
    clusters = {one["name"]: one for one in resources["clusters"]}
    config["admin"]["address"] = _address(admin)
    listeners["audiowriter"]["address"] = _address(clients)
    listeners["status"]["address"] = _address(status)
    _endpoint(clusters["admin"])["address"] = _address(admin)
    _endpoint(clusters["audiowriter"])["address"]["socket_address"]["port_value"] = port
    clusters["audiowriter"]["typed_dns_resolver_config"] = {
        "name": "envoy.network.dns_resolver.cares",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
            "resolvers": [_address(names.target)],
        },
    }
    return config


def _endpoint(cluster: dict[str, Any]) -> dict[str, Any]:
    (locality,) = cluster["load_assignment"]["endpoints"]
    (endpoint,) = locality["lb_endpoints"]
    found: dict[str, Any] = endpoint["endpoint"]
    return found


def _address(target: str) -> dict[str, Any]:
    host, _, port = target.rpartition(":")
    return {"socket_address": {"address": host, "port_value": int(port)}}
