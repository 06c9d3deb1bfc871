"""FLAC in Ogg. RFC 9639, section 10.1.

The first page contains only STREAMINFO and has a fixed length. The final header is this page with totals and MD5.
"""

from collections.abc import Sequence
from typing import ClassVar

from ..codecs.base import Codec, Packet
from ..codecs.flac_packets import FlacCodec
from ..description import Description
from ..options import OutputOptions
from .base import REPEATABLE_TAGS, TAGS, Finish, MuxerSpec
from .flac_metadata import MARKER, STREAMINFO, VORBIS_COMMENT, block, mark_last, padding
from .ogg_page import FIRST, OggAudio, OggStream
from .room import Room
from .vorbis_comment import comments

_SIGNATURE = b"\x7fFLAC"
_VERSION = b"\x01\x00"


class OggFlacMuxer:
    """Writes pages of whole frames."""

    spec: ClassVar[MuxerSpec] = MuxerSpec(
        tags=TAGS,
        repeatable_tags=REPEATABLE_TAGS,
        takes_pictures=True,
        takes_marker_urls=True,
        pages_ms=(20, 2000),
        page_ms=100,
        finalizes_header=True,
    )

    def __init__(self, output: OutputOptions, codec: Codec) -> None:
        assert isinstance(codec, FlacCodec)
        self._codec = codec
        self._serial = output.serial
        self._stream = OggStream(self._serial)
        self._reserves = output.metadata_bytes > 0
        self._room = Room(_comment, output.description, self._spare(output))
        page_packets = int(output.page_ms * output.sample_rate_hz // (1000 * codec.frame_samples))
        self._audio = OggAudio(self._stream, max(1, page_packets))

    @property
    def samples_out(self) -> int:
        return self._audio.samples_out

    def start(self) -> bytes:
        return self._first_page(self._stream) + self._other_headers(self._stream)

    def describe(self, description: Description) -> None:
        self._room.replace(description)

    def write(self, packets: Sequence[Packet]) -> bytes:
        return self._audio.write(packets)

    def flush(self) -> bytes:
        return self._audio.flush()

    def finish(self, packets: Sequence[Packet], samples: int) -> Finish:
        pages = self._audio.finish(packets, samples)
        stream = OggStream(self._serial)
        header = self._first_page(stream)
        if self._room.changed:
            header += self._other_headers(stream)
        return Finish(header=header, trailer=pages)

    def _first_page(self, stream: OggStream) -> bytes:
        other_headers = (2 if self._reserves else 1).to_bytes(2, "big")
        streaminfo = block(STREAMINFO, self._codec.header)
        stream.add(_SIGNATURE + _VERSION + other_headers + MARKER + streaminfo)
        return stream.page(0, FIRST)

    def _other_headers(self, stream: OggStream) -> bytes:
        if self._reserves:
            stream.add(self._room.content)
            stream.add(padding(self._room.spare))
        else:
            stream.add(mark_last(self._room.content))
        return stream.page(0)

    @staticmethod
    def _spare(output: OutputOptions) -> int:
        """Return a length of padding with which comment and PADDING always take the same number of segments.

        That is so if both together have 254 bytes more than a multiple of 255.
        """
        if not output.metadata_bytes:
            return 0
        whole = len(_comment(output.description)) + len(padding(output.metadata_bytes))
        return output.metadata_bytes + (254 - whole) % 255


def _comment(description: Description) -> bytes:
    # Pictures are in the comment, because no reader of FLAC in Ogg looks for other blocks.
    return block(VORBIS_COMMENT, comments("audiowriter", description))
