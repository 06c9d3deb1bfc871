"""CRC-32C of a file whose first bytes are replaced at the end. RFC 3720, appendix B.4."""

from collections.abc import Callable, Iterator
from itertools import islice

from fastcrc import crc32

_POLYNOMIAL = 0x82F63B78
"""The polynomial with its bits in reversed order, as the CRC uses them."""
_ONE, _X8 = 1 << 31, 1 << 23
"""The polynomials 1 and x^8 in this order."""

crc32c: Callable[..., int] = crc32.iscsi
"""`crc32c(data, before=0)` returns the CRC of `data`, or of all data so far, if `before` is that of the data before it."""


def with_header(crc: int, size: int, first: bytes, header: bytes) -> int:
    """Return the CRC of a file of `size` bytes whose first bytes are replaced by `header`.

    `crc`: CRC of the file as it is. `first`: its first bytes, at least as many as the header has.
    """
    # CRCs are linear: the difference of the first bytes, moved to the start of the file, is the difference of the files.
    change = crc32c(first[: len(header)]) ^ crc32c(header)
    return crc ^ _multiply(_power_of_x8(size - len(header)), change)


def _power_of_x8(exponent: int) -> int:
    power = _ONE
    for bit, square in enumerate(_SQUARES):
        if exponent >> bit & 1:
            power = _multiply(power, square)
    return power


def _multiply(a: int, b: int) -> int:
    """Multiply two polynomials modulo the CRC's."""
    product = 0
    while a:
        if a & _ONE:
            product ^= b
        a = a << 1 & 0xFFFFFFFF
        b = b >> 1 ^ (_POLYNOMIAL if b & 1 else 0)
    return product


def _squares() -> Iterator[int]:
    square = _X8
    while True:
        yield square
        square = _multiply(square, square)


_SQUARES = tuple(islice(_squares(), 63))
"""x^(8 * 2^n) at index n, for files of up to 2^63 - 1 bytes. Calculating them for each file would take 0.1 ms."""
