"""Header packets of Ogg Vorbis. Vorbis I, sections 4.2, 5 and A.2; RFC 3533.

libsndfile writes whole files, takes each tag only once, and takes the serial number from the clock. So its comment packet is
replaced, its header pages are written again, and all pages get the stream's serial number.
"""

from ..options import OutputOptions
from .ogg_page import FIRST, OggStream, read_packets, renumbered
from .room import Room
from .vorbis_comment import comments, vendor_of

_HEADERS = 3
"""Identification, comment and setup. The first audio packet begins on a new page. Section A.2."""
_SIGNATURE = b"\x03vorbis"
_FRAMING_BIT = b"\x01"


class VorbisPages:
    """Rewrites libsndfile's pages, in the order in which they are written."""

    def __init__(self, output: OutputOptions, vendor: str) -> None:
        """`vendor`: libvorbis's name of itself."""
        self._serial = output.serial
        self.room = Room(
            lambda description: _SIGNATURE + comments(vendor, description) + _FRAMING_BIT,
            output.description,
            output.metadata_bytes,
        )
        self._provisional_comment = self._comment()
        self.head = b""
        """The header pages as they were written."""
        self._identification = self._setup = b""
        self._shift = 0  # of sequence numbers

    def rewrite(self, pages: bytes) -> bytes:
        """Return complete pages with the stream's comments and serial number. The first ones have all header packets."""
        if not pages:
            return b""
        if self.head:
            return renumbered(pages, self._serial, self._shift)
        (self._identification, _, self._setup), count, pages = read_packets(pages, _HEADERS)
        stream = OggStream(self._serial)
        self.head = self._headers(stream, self._provisional_comment)
        self._shift = stream.pages - count
        return self.head + renumbered(pages, self._serial, self._shift)

    def final_head(self) -> bytes:
        """Return the header pages with the comments of the end, or no bytes if they have not changed."""
        return self._headers(OggStream(self._serial), self._comment()) if self.room.changed else b""

    def _comment(self) -> bytes:
        return self.room.content + bytes(self.room.spare)  # readers ignore what follows the framing bit

    def _headers(self, stream: OggStream, comment: bytes) -> bytes:
        stream.add(self._identification)
        first = stream.page(0, FIRST)
        stream.add(comment)
        stream.add(self._setup)
        return first + stream.page(0)


def vendor_of_file(pages: bytes) -> str:
    """Return the vendor string of a Vorbis file."""
    (_, comment, _), *_ = read_packets(pages, _HEADERS)
    return vendor_of(comment[len(_SIGNATURE) :])
