"""Dimensions of JPEG and PNG files. ISO/IEC 10918-1, annex B; W3C PNG, section 11.2.1."""

from struct import unpack_from
from typing import NamedTuple

from ..description import Picture


class Dimensions(NamedTuple):
    """0: unknown."""

    width: int = 0
    height: int = 0
    depth: int = 0
    """Bits per pixel."""


def dimensions(picture: Picture) -> Dimensions:
    """Return width, height and depth."""
    data = picture.data
    if picture.mime_type == "image/png":
        return _png(data)
    at = 2
    while at + 10 <= len(data) and data[at] == 0xFF:
        marker, size = unpack_from(">BH", data, at + 1)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame header: SOF0 to SOF15
            bits, height, width, components = unpack_from(">BHHB", data, at + 4)
            return Dimensions(width, height, bits * components)
        at += 2 + size
    return Dimensions()


def _png(data: bytes) -> Dimensions:
    if len(data) < 26:
        return Dimensions()
    width, height, bits, color_type = unpack_from(">IIBB", data, 16)
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(color_type, 0)
    return Dimensions(width, height, bits * samples)
