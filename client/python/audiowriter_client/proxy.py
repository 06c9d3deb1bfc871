"""Decides whether gRPC may use the proxy that `http_proxy` or `https_proxy` names.

gRPC itself observes `no_proxy`, but has no exception for the local host, to which a proxy cannot connect.
"""

import re
from ipaddress import ip_address

_SCHEME = re.compile(r"(dns:(//[^/]*/)?|ipv4:|ipv6:)")


def may_use_proxy(address: str) -> bool:
    """Whether a proxy can connect to this target of gRPC: not to the local host, and not to a list of addresses.

    gRPC would ask the proxy for a list as if it were the name of one server.
    """
    server = _SCHEME.sub("", address, count=1)
    return "," not in server and not _is_loopback(_host(server))


def _host(server: str) -> str:
    if server.startswith("["):
        return server[1:].partition("]")[0]
    return server.rpartition(":")[0] if server.count(":") == 1 else server


def _is_loopback(host: str) -> bool:
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761, section 6.3
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
