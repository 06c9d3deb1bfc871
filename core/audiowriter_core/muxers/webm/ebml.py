"""EBML elements, the building blocks of WebM files. RFC 8794."""

from struct import pack

UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
"""Has eight bytes, so that any size can replace it. Section 6.2."""

_VOID = 0xEC
VOID_BYTES = 9
"""Length of a Void element without content."""


def element(element_id: int, *parts: bytes) -> bytes:
    """Return an element. `element_id` includes the marker bits, as in the specifications. Sections 4 to 6."""
    size = sum(map(len, parts))
    # A size of all ones is reserved: it means "unknown".
    octets = next(octets for octets in range(1, 9) if size < (1 << 7 * octets) - 1)
    return b"".join((identifier(element_id), (size | 1 << 7 * octets).to_bytes(octets, "big"), *parts))


def identifier(element_id: int) -> bytes:
    """Return an element ID, which has one to four bytes."""
    return element_id.to_bytes((element_id.bit_length() + 7) // 8, "big")


def size_in_eight_bytes(size: int) -> bytes:
    """Return the size that replaces UNKNOWN_SIZE."""
    return (size | 1 << 56).to_bytes(8, "big")


def uint(element_id: int, value: int, octets: int = 0) -> bytes:
    """Return an unsigned integer element. `octets`: length of the value; 0: as few as possible. Section 7.2."""
    return element(element_id, value.to_bytes(octets or max(1, (value.bit_length() + 7) // 8), "big"))


def signed(element_id: int, value: int) -> bytes:
    """Return a signed integer element. Section 7.1."""
    return element(element_id, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def float64(element_id: int, value: float) -> bytes:
    """Return a float element of eight bytes. Section 7.3."""
    return element(element_id, pack(">d", value))


def text(element_id: int, value: str) -> bytes:
    """Return a UTF-8 string element. Section 7.5."""
    return element(element_id, value.encode())


def void(size: int) -> bytes:
    """Return a Void element, which readers ignore, of `size` bytes in total. `size`: at least 9. Section 11.3.2."""
    return identifier(_VOID) + size_in_eight_bytes(size - VOID_BYTES) + bytes(size - VOID_BYTES)
