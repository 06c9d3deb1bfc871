"""Ogg pages. RFC 3533, section 6."""

from collections.abc import Sequence
from struct import pack, pack_into, unpack_from
from zlib import crc32

from ..codecs.base import Packet

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

    @property
    def pages(self) -> int:
        """Number of pages that are closed."""
        return self._sequence

    def fits(self, packet: bytes) -> bool:
        """Whether the open page has room for a packet. An empty page takes packets of any length."""
        return not self._packets or self._segments + len(packet) // 255 + 1 <= _MAX_SEGMENTS

    def add(self, packet: bytes) -> None:
        """Put a packet on the open page."""
        self._packets.append(packet)
        self._segments += len(packet) // 255 + 1

    def page(self, granule_position: int, flags: int = 0) -> bytes:
        """Close the open page and return it. Packets that are too long for one page continue on further pages."""
        lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in self._packets)
        body = b"".join(self._packets)
        self._packets.clear()
        self._segments = 0
        pages = []
        while len(lacing) > _MAX_SEGMENTS:  # audio is one long packet then, because callers check `fits`
            head, lacing = lacing[:_MAX_SEGMENTS], lacing[_MAX_SEGMENTS:]
            size = sum(head)
            no_packet_ends = size == 255 * _MAX_SEGMENTS
            pages.append(self._build(-1 if no_packet_ends else granule_position, flags & ~LAST, head, body[:size]))
            body = body[size:]
            flags &= ~FIRST & ~CONTINUED
            if head[-1] == 255:
                flags |= CONTINUED
        pages.append(self._build(granule_position if lacing else -1, flags, lacing, body))
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


class OggAudio:
    """The audio packets of a logical bitstream. Closes a page when it has enough packets, when it is full, and on flush."""

    def __init__(self, stream: OggStream, page_packets: int, granules_per_sample: int = 1) -> None:
        """`granules_per_sample`: units of the granule position per sample."""
        self._stream = stream
        self._page_packets = page_packets
        self._granules_per_sample = granules_per_sample
        self._page_samples = 0  # on the open page
        self.samples_out = 0
        """Samples per channel on the pages that are closed."""

    def write(self, packets: Sequence[Packet]) -> bytes:
        """Take packets; return the pages that are closed."""
        return b"".join([self._add(packet) for packet in packets])

    def flush(self) -> bytes:
        """Close the open page and return it."""
        return self._close_page() if self._stream.packets else b""

    def finish(self, packets: Sequence[Packet], end_granule: int) -> bytes:
        """Take the last packets; return the remaining pages. `end_granule`: granule position at the end of the audio."""
        pages = self.write(packets[:-1])
        for last in packets[-1:]:
            pages += self._put(last)
        return pages + self._close_page(end_granule, LAST)

    def _add(self, packet: Packet) -> bytes:
        full = self._put(packet)
        return full + self._close_page() if self._stream.packets >= self._page_packets else full

    def _put(self, packet: Packet) -> bytes:
        full = b"" if self._stream.fits(packet.data) else self._close_page()
        self._stream.add(packet.data)
        self._page_samples += packet.samples
        return full

    def _close_page(self, granule: int | None = None, flags: int = 0) -> bytes:
        self.samples_out += self._page_samples
        self._page_samples = 0
        return self._stream.page(self.samples_out * self._granules_per_sample if granule is None else granule, flags)


def renumbered(pages: bytes, serial: int, shift: int) -> bytes:
    """Return complete pages of one logical bitstream with another serial. `shift` is added to their sequence numbers."""
    changed, at = bytearray(pages), 0
    while at < len(changed):
        end = _page_end(changed, at)
        (sequence,) = unpack_from("<I", changed, at + 18)
        pack_into("<III", changed, at + 14, serial, sequence + shift & 0xFFFFFFFF, 0)
        pack_into("<I", changed, at + 22, checksum(changed[at:end]))
        at = end
    return bytes(changed)


def read_packets(pages: bytes, count: int) -> tuple[list[bytes], int, bytes]:
    """Return the first packets of complete pages, the number of their pages, and the other pages.

    The last of these packets must be the last one of its page.
    """
    packets, at, page_count = [b""], 0, 0
    while len(packets) <= count:
        body = at + _HEADER_BYTES + pages[at + _HEADER_BYTES - 1]
        for size in pages[at + _HEADER_BYTES : body]:
            packets[-1] += pages[body : body + size]
            body += size
            if size < 255:
                packets.append(b"")
        at, page_count = body, page_count + 1
    return packets[:count], page_count, pages[at:]


def _page_end(pages: bytes | bytearray, at: int) -> int:
    body = at + _HEADER_BYTES + pages[at + _HEADER_BYTES - 1]
    return body + sum(pages[at + _HEADER_BYTES : body])


def checksum(page: bytes | bytearray) -> int:
    """Return Ogg's CRC-32: polynomial 0x04c11db7, not reflected, initial value 0, no final inversion.

    zlib computes the reflected CRC. The result is the same if the bits of each input byte and of the sum are reversed.
    """
    reflected = crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(reflected.to_bytes(4, "little").translate(_REVERSED), "big")
