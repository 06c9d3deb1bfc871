"""The default port of a target."""

import re
from ipaddress import IPv6Address

DEFAULT_PORT = 50051
"""The server's default port. gRPC's own default is 443."""

_DNS = re.compile(r"dns:(//[^/]*/)?")
_HOST = re.compile(r"[^:/\[\]]+|\[[^\[\]/]+\]")


def with_default_port(target: str) -> str:
    """Add the default port to a host name or an IP address without a port. Return other targets unchanged.

    "host" -> "host:50051", "::1" -> "[::1]:50051", "dns:///host" -> "dns:///host:50051"
    """
    scheme = match[0] if (match := _DNS.match(target)) else ""
    host = target[len(scheme) :]
    if _is_ipv6(host):
        host = f"[{host}]"
    return f"{scheme}{host}:{DEFAULT_PORT}" if _HOST.fullmatch(host) else target


def _is_ipv6(host: str) -> bool:
    try:
        return bool(IPv6Address(host))
    except ValueError:
        return False
