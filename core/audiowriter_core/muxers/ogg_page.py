"""Ogg pages. RFC 3533, section 6."""

from struct import pack, pack_into
from zlib import crc32

CONTINUED, FIRST, LAST = 0x01, 0x02, 0x04
"""Header type flags: the first packet continues from the previous page; first page and last page of the bitstream."""

_HEADER_BYTES = 27
_MAX_SEGMENTS = 255
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class OggStream:
    """One logical bitstream, which puts packets on pages. Holds the packets of at most one page."""

    def __init__(self, serial: int) -> None:
        """`serial`: 32 bits, different from the serial of every stream that is concatenated with this one."""
        self._serial = serial
        self._sequence = 0
        self._packets: list[bytes] = []
        self._segments = 0

    @property
    def packets(self) -> int:
        """Number of packets on the open page."""
        return len(self._packets)

    def fits(self, packet: bytes) -> bool:
        """Whether the open page has room for a packet."""
        return self._segments + len(packet) // 255 + 1 <= _MAX_SEGMENTS

    def add(self, packet: bytes) -> None:
        """Put a packet on the open page."""
        self._packets.append(packet)
        self._segments += len(packet) // 255 + 1

    def page(self, granule_position: int, flags: int = 0) -> bytes:
        """Close the open page and return it. A packet that is too long for one page continues on further pages."""
        lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in self._packets)
        body = b"".join(self._packets)
        self._packets.clear()
        self._segments = 0
        pages = []
        while len(lacing) > _MAX_SEGMENTS:  # only with one long packet, because callers check `fits`
            head, lacing = lacing[:_MAX_SEGMENTS], lacing[_MAX_SEGMENTS:]
            size = 255 * _MAX_SEGMENTS
            # -1: no packet ends on this page.
            pages.append(self._build(-1, flags & ~LAST, head, body[:size]))
            body = body[size:]
            flags = flags & ~FIRST | CONTINUED
        pages.append(self._build(granule_position, flags, lacing, body))
        return b"".join(pages)

    def _build(self, granule_position: int, flags: int, lacing: bytes, body: bytes) -> bytes:
        page = bytearray(
            pack("<4sBBqIIIB", b"OggS", 0, flags, granule_position, self._serial, self._sequence, 0, len(lacing))
        )
        page += lacing
        page += body
        self._sequence += 1
        pack_into("<I", page, 22, checksum(page))
        return bytes(page)


def checksum(page: bytes | bytearray) -> int:
    """Return Ogg's CRC-32: polynomial 0x04c11db7, not reflected, initial value 0, no final inversion.

    zlib computes the reflected CRC. The result is the same if the bits of each input byte and of the sum are reversed.
    """
    reflected = crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(reflected.to_bytes(4, "little").translate(_REVERSED), "big")
