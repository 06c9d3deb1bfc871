"""FLAC in Ogg. RFC 9639, section 10.1.

The first page contains only STREAMINFO and has a fixed length. The final header is this page with totals and MD5.
"""

from collections.abc import Sequence
from typing import ClassVar

from ..codecs.base import Codec, Packet
from ..codecs.flac_packets import FlacCodec
from ..options import OutputOptions
from .base import REPEATABLE_TAGS, TAGS, Finish, MuxerSpec
from .flac_metadata import MARKER, STREAMINFO, VORBIS_COMMENT, block
from .ogg_page import FIRST, OggAudio, OggStream
from .vorbis_comment import comments

_SIGNATURE = b"\x7fFLAC"
_VERSION = b"\x01\x00"


class OggFlacMuxer:
    """Writes pages of whole frames."""

    spec: ClassVar[MuxerSpec] = MuxerSpec(
        tags=TAGS,
        repeatable_tags=REPEATABLE_TAGS,
        takes_pictures=True,
        pages_ms=(20, 2000),
        page_ms=100,
        finalizes_header=True,
    )

    def __init__(self, output: OutputOptions, codec: Codec) -> None:
        assert isinstance(codec, FlacCodec)
        self._codec = codec
        self._serial = output.serial
        self._stream = OggStream(self._serial)
        self._description = output.description
        page_packets = int(output.page_ms * output.sample_rate_hz // (1000 * codec.frame_samples))
        self._audio = OggAudio(self._stream, max(1, page_packets))

    @property
    def samples_out(self) -> int:
        return self._audio.samples_out

    def start(self) -> bytes:
        head = self._first_page(self._stream)
        # Pictures are in the comment, because no reader of FLAC in Ogg looks for other blocks.
        self._stream.add(block(VORBIS_COMMENT, comments("audiowriter", self._description), last=True))
        return head + self._stream.page(0)

    def write(self, packets: Sequence[Packet]) -> bytes:
        return self._audio.write(packets)

    def flush(self) -> bytes:
        return self._audio.flush()

    def finish(self, packets: Sequence[Packet], samples: int) -> Finish:
        pages = self._audio.finish(packets, samples)
        return Finish(header=self._first_page(OggStream(self._serial)), trailer=pages)

    def _first_page(self, stream: OggStream) -> bytes:
        other_headers = (1).to_bytes(2, "big")
        streaminfo = block(STREAMINFO, self._codec.header)
        stream.add(_SIGNATURE + _VERSION + other_headers + MARKER + streaminfo)
        return stream.page(0, FIRST)
