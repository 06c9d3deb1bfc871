"""Header packets of Ogg Vorbis. Vorbis I, sections 4.2, 5 and A.2; RFC 3533.

libsndfile writes whole files, takes each tag only once, and takes the serial number from the clock. So its comment packet is
replaced, its header pages are written again, and all pages get the stream's serial number.
"""

from ..options import OutputOptions
from .ogg_page import FIRST, OggStream, read_packets, renumbered
from .vorbis_comment import comments, vendor_of

_HEADERS = 3
"""Identification, comment and setup. The first audio packet begins on a new page. Section A.2."""
_SIGNATURE = b"\x03vorbis"
_FRAMING_BIT = b"\x01"


class VorbisPages:
    """Rewrites libsndfile's pages, in the order in which they are written."""

    def __init__(self, output: OutputOptions) -> None:
        self._serial, self._description = output.serial, output.description
        self._shift: int | None = None  # of sequence numbers; None until the headers have been written

    def rewrite(self, pages: bytes) -> bytes:
        """Return complete pages with the stream's comments and serial number. The first ones have all header packets."""
        if not pages:
            return b""
        head = b""
        if self._shift is None:
            (identification, comment, setup), count, pages = read_packets(pages, _HEADERS)
            stream = OggStream(self._serial)
            stream.add(identification)
            head = stream.page(0, FIRST)
            vendor = vendor_of(comment[len(_SIGNATURE) :])
            stream.add(_SIGNATURE + comments(vendor, self._description) + _FRAMING_BIT)
            stream.add(setup)
            head += stream.page(0)
            self._shift = stream.pages - count
        return head + renumbered(pages, self._serial, self._shift)
