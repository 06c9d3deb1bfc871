"""CRC-32C of a file whose first bytes are replaced at the end. RFC 3720, appendix B.4."""

from collections.abc import Callable
from functools import cache

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
    return crc ^ _append_zeros(change, size - len(header))


def _append_zeros(crc: int, count: int) -> int:
    """Return what a CRC becomes with `count` zero bytes, apart from the inversions at its start and end."""
    for bit in range(count.bit_length()):
        if count >> bit & 1:
            a, b, c, d, e, f, g, h = _zeros(bit)
            crc = (
                a[crc & 15]
                ^ b[crc >> 4 & 15]
                ^ c[crc >> 8 & 15]
                ^ d[crc >> 12 & 15]
                ^ e[crc >> 16 & 15]
                ^ f[crc >> 20 & 15]
                ^ g[crc >> 24 & 15]
                ^ h[crc >> 28]
            )
    return crc


@cache
def _zeros(bit: int) -> list[list[int]]:
    """Return what `2**bit` zero bytes make of each value of each nibble of a CRC. Calculating it takes 0.1 ms."""
    if bit == 0:
        powers = _powers(_X8)
    else:
        half = 1 << (bit - 1)
        powers = _powers(_append_zeros(_append_zeros(_ONE, half), half))
    tables = []
    for nibble in range(8):
        table = [0]
        for bit_of_nibble in range(4):
            power = powers[31 - 4 * nibble - bit_of_nibble]
            table += [value ^ power for value in table]
        tables.append(table)
    return tables


def _powers(polynomial: int) -> list[int]:
    """Return the polynomial, multiplied by x^0 to x^31, modulo the CRC's."""
    powers = []
    for _ in range(32):
        powers.append(polynomial)
        polynomial = polynomial >> 1 ^ (_POLYNOMIAL if polynomial & 1 else 0)
    return powers
