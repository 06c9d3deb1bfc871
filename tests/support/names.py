"""A name server for one name, which replaces a headless Service for Envoy. RFC 1035."""

import socket
import struct
import threading
from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import Self

_ANSWER = 0x8400
"""Flags of an authoritative response. Section 4.1.1."""
_A, _IN, _TTL_S = 1, 1, 1
_COMPRESSED_NAME = 0xC00C
"""A pointer to the name of the question. Section 4.1.4."""


class Names:
    """Answers every query for an IPv4 address with `addresses`, which may be changed at any time."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self.addresses = tuple(addresses)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            query, peer = self._socket.recvfrom(512)
            if not query:
                return
            self._socket.sendto(self._answer(query), peer)

    def _answer(self, query: bytes) -> bytes:
        number, flags = struct.unpack_from("!HH", query)
        name_end = query.index(0, 12) + 1
        (kind,) = struct.unpack_from("!H", query, name_end)
        addresses = self.addresses if kind == _A else ()
        answers = b"".join(
            struct.pack("!HHHIH4s", _COMPRESSED_NAME, _A, _IN, _TTL_S, 4, IPv4Address(address).packed)
            for address in addresses
        )
        header = struct.pack("!6H", number, _ANSWER | flags & 0x0100, 1, len(addresses), 0, 0)
        return header + query[12 : name_end + 4] + answers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        host, port = self._socket.getsockname()
        # An empty datagram stops the server.
        self._socket.sendto(b"", (host, port))
        self._thread.join()
        self._socket.close()
