"""Targets that name several servers, "host:port,host:port". A name resolver of gRPC accepts only one name."""

import socket
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from audiowriter_client.default_port import DEFAULT_PORT
from audiowriter_client.errors import quoted

_GRPC_SCHEMES = ("dns:", "ipv4:", "ipv6:", "unix:", "unix-abstract:", "vsock:", "xds:")


def servers_of(target: str) -> Sequence[str]:
    """Return the servers of a comma-separated list, or an empty list for any other target of gRPC.

    Raises ValueError for a server that is not host:port.
    """
    servers = target.split(",")
    if len(servers) == 1 or target.startswith(_GRPC_SCHEMES):
        return ()
    for server in servers:
        _host_and_port(server)
    return servers


def look_up(servers: Sequence[str]) -> str:
    """Return one gRPC target with the addresses of all servers. Blocks until the names are resolved.

    A name without an address is skipped, like a server that does not respond.
    """
    addresses = list(dict.fromkeys(address for server in servers for address in _addresses(server)))
    if not addresses:
        return f"dns:///{servers[0]}"  # gRPC reports the error as for a single server
    if all(ip_address(host).version == 4 for host, _ in addresses):
        return "ipv4:" + ",".join(f"{host}:{port}" for host, port in addresses)
    # All addresses of a list must be of one family. IPv4 addresses can be written as IPv6: RFC 4291, section 2.5.5.2.
    mapped = [(host if ":" in host else f"::ffff:{host}", port) for host, port in addresses]
    return "ipv6:" + ",".join(f"[{host.replace('%', '%25')}]:{port}" for host, port in mapped)


def _addresses(server: str) -> Iterator[tuple[str, int]]:
    host, port = _host_and_port(server)
    try:
        for _, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            yield str(address[0]), int(address[1])
    except OSError:
        return


def _host_and_port(server: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{server}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host is None or parts.netloc != server or server.split() != [server]:
        raise ValueError(f"{quoted(repr(server))} in a list of servers: expected host:port")
    return host, port or DEFAULT_PORT
