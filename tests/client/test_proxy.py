"""Which targets are reached through the proxy of the environment."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from audiowriter_client.proxy import may_use_proxy
from support.server import LIMIT_S

CALL = "import sys; from audiowriter_client import list_formats; assert list_formats(sys.argv[1])"
ASYNC_CALL = (
    "import asyncio, sys; from audiowriter_client import async_list_formats; "
    "assert asyncio.run(async_list_formats(sys.argv[1]))"
)


@contextmanager
def proxy() -> Iterator[tuple[str, list[bytes]]]:
    """Yield the address of a proxy that refuses everything, and the first lines of its requests."""
    asked: list[bytes] = []

    def refuse() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(4096).partition(b"\r\n")[0])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=refuse)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(LIMIT_S)


def call(program: str, target: str, address: str) -> subprocess.CompletedProcess[str]:
    """List the formats in another process, since gRPC reads the variables of its own process."""
    variables = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return subprocess.run(
        [sys.executable, "-c", program, target],
        env={**variables, "http_proxy": address, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parent,
    )


@pytest.mark.parametrize("program", [CALL, ASYNC_CALL], ids=["sync", "asyncio"])
def test_local_servers_are_called_directly(target: str, program: str) -> None:
    port = target.rpartition(":")[2]
    with proxy() as (address, asked):
        for local in (target, f"localhost:{port}", f"{target},localhost:{port}"):
            done = call(program, local, address)
            assert not done.returncode, done.stderr
    assert asked == []


def test_other_servers_are_called_through_the_proxy() -> None:
    with proxy() as (address, asked):
        done = call(CALL, "audio.test:1234", address)
    assert "ServiceUnavailable" in done.stderr
    assert asked[0] == b"CONNECT audio.test:1234 HTTP/1.1"


@pytest.mark.parametrize(
    "address",
    [
        "localhost:50051",
        "LOCALHOST.:1",
        "a.localhost:1",
        "127.0.0.1:50051",
        "127.3.3.3:1",
        "[::1]:50051",
        "dns:localhost:1",
        "dns:///localhost:1",
        "dns://10.0.0.1/localhost:1",
        "dns:///[::1]:1",
        "ipv4:127.0.0.1:1",
        "ipv6:[::1]:1",
        "ipv4:10.0.0.1:1,10.0.0.2:1",
    ],
)
def test_no_proxy_for_loopback_and_lists(address: str) -> None:
    assert not may_use_proxy(address)


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1:50051",
        "localhost.example:1",
        "mylocalhost:1",
        "127.0.0.1.example:1",
        "[fe80::1%eth0]:1",
        "ipv6:[2001:db8::1]:1",
        "dns:///audio.example:1",
        "dns://127.0.0.1/audio.example:1",
        "xds:///audio",
        "unix:/run/socket",
        "",
    ],
)
def test_proxy_for_all_other_targets(address: str) -> None:
    assert may_use_proxy(address)
