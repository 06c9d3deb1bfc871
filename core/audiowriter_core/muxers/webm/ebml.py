"""EBML elements, of which everything in a WebM file is made. RFC 8794."""

from struct import pack

UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
"""In eight bytes, so that the size proper fits in its place. Section 6.2."""

_VOID = 0xEC


def element(element_id: int, *parts: bytes) -> bytes:
    """An element; its ID with the marker bits, as specifications write it. Sections 4 to 6."""
    size = sum(map(len, parts))
    # All ones are kept for the unknown size.
    octets = next(octets for octets in range(1, 9) if size < (1 << 7 * octets) - 1)
    return b"".join((identifier(element_id), (size | 1 << 7 * octets).to_bytes(octets, "big"), *parts))


def identifier(element_id: int) -> bytes:
    """The ID in its one to four bytes."""
    return element_id.to_bytes((element_id.bit_length() + 7) // 8, "big")


def size_in_eight_bytes(size: int) -> bytes:
    """The size of an element that was begun with UNKNOWN_SIZE."""
    return (size | 1 << 56).to_bytes(8, "big")


def uint(element_id: int, value: int, octets: int = 0) -> bytes:
    """Unsigned integer, in as few bytes as it takes if `octets` is 0. Section 7.2."""
    return element(element_id, value.to_bytes(octets or max(1, (value.bit_length() + 7) // 8), "big"))


def signed(element_id: int, value: int) -> bytes:
    """Signed integer. Section 7.1."""
    return element(element_id, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def float64(element_id: int, value: float) -> bytes:
    """Float of eight bytes. Section 7.3."""
    return element(element_id, pack(">d", value))


def text(element_id: int, value: str) -> bytes:
    """UTF-8 string. Section 7.5."""
    return element(element_id, value.encode())


def void(size: int) -> bytes:
    """An element to be ignored, `size` bytes long, from 9 on. Section 11.3.2."""
    return identifier(_VOID) + size_in_eight_bytes(size - 9) + bytes(size - 9)
