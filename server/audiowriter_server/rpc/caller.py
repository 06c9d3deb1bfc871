"""Identifies the caller of a call, so that places and CPU time can be shared between callers."""

from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import unquote

import grpc

LOCAL = "local"
"""All callers on this machine that present neither a token nor a certificate."""

_PREFIX_BITS = 64
"""Providers give each customer at least a /64 of IPv6 addresses, so one address of it does not identify anybody."""


def caller_of(context: grpc.aio.ServicerContext[Any, Any], token: str) -> str:
    """Return a key that is the same for all calls of one caller.

    The caller is its token, otherwise its client certificate, otherwise its address without the port.
    `token`: a token that has been checked, or "". One that has not been checked would let a caller choose its key.
    """
    if token:
        return "token:" + sha256(token.encode()).hexdigest()
    if identities := context.peer_identities():
        names = sorted(name if isinstance(name, bytes) else name.encode() for name in identities)
        return "certificate:" + sha256(b"\0".join(names)).hexdigest()
    return _key_of(context.peer().rpartition(":")[0])


@lru_cache(maxsize=4096)
def _key_of(host: str) -> str:
    """Return the key of a peer without its port, such as "ipv4:192.0.2.1" or "ipv6:%5B2001:db8::1%5D"."""
    family, _, rest = unquote(host).partition(":")
    if family not in ("ipv4", "ipv6"):
        return LOCAL
    address = ip_address(rest.strip("[]"))
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            network = ip_network((int(address), _PREFIX_BITS), strict=False)
            return LOCAL if address.is_loopback else str(network)
        address = address.ipv4_mapped
    return LOCAL if address.is_loopback else str(address)
