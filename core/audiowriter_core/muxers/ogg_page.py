"""Ogg pages. RFC 3533, section 6."""

from struct import pack, pack_into
from zlib import crc32

CONTINUED, FIRST, LAST = 0x01, 0x02, 0x04
"""Header type flags: the first packet began on an earlier page; first and last page of the logical bitstream."""

_HEADER_BYTES = 27
_MAX_SEGMENTS = 255
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class OggStream:
    """One logical bitstream: packets in, pages out. Holds the packets of one page at the most."""

    def __init__(self, serial: int) -> None:
        """`serial`: 32 bits, unlike that of any stream that may ever be joined with this one."""
        self._serial = serial
        self._sequence = 0
        self._packets: list[bytes] = []
        self._segments = 0

    @property
    def packets(self) -> int:
        """Packets that wait for their page."""
        return len(self._packets)

    def fits(self, packet: bytes) -> bool:
        """Whether a packet still goes on the page that is being filled."""
        return self._segments + len(packet) // 255 + 1 <= _MAX_SEGMENTS

    def add(self, packet: bytes) -> None:
        """Put a packet on the page."""
        self._packets.append(packet)
        self._segments += len(packet) // 255 + 1

    def page(self, granule_position: int, flags: int = 0) -> bytes:
        """Close the page; give it. A packet that is too long for one page continues on as many as it needs."""
        lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in self._packets)
        body = b"".join(self._packets)
        self._packets.clear()
        self._segments = 0
        pages = []
        while len(lacing) > _MAX_SEGMENTS:  # only ever one packet: `fits` saw to that
            head, lacing = lacing[:_MAX_SEGMENTS], lacing[_MAX_SEGMENTS:]
            size = 255 * _MAX_SEGMENTS
            # -1: no packet ends on this page.
            pages.append(self._one(-1, flags & ~LAST, head, body[:size]))
            body = body[size:]
            flags = flags & ~FIRST | CONTINUED
        pages.append(self._one(granule_position, flags, lacing, body))
        return b"".join(pages)

    def _one(self, granule_position: int, flags: int, lacing: bytes, body: bytes) -> bytes:
        page = bytearray(
            pack("<4sBBqIIIB", b"OggS", 0, flags, granule_position, self._serial, self._sequence, 0, len(lacing))
        )
        page += lacing
        page += body
        self._sequence += 1
        pack_into("<I", page, 22, checksum(page))
        return bytes(page)


def checksum(page: bytes | bytearray) -> int:
    """CRC-32 of polynomial 0x04c11db7, not reflected, from 0 and without a final inversion, as Ogg has it.

    zlib has the reflected one: reversing the bits of each byte going in and of the sum coming out makes it the same.
    """
    reflected = crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(reflected.to_bytes(4, "little").translate(_REVERSED), "big")
