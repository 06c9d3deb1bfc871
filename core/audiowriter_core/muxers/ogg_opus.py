"""Ogg Opus files. RFC 7845.

FFmpeg's muxer only returns full pages. This muxer closes a page every `page_ms`, and on every flush.

After a seek `ffmpeg -ss` drops the pre-skip once more. If the target is at most 6.5 ms after the start of a page, up to
6.5 ms are missing, as in opusenc's files. Longer pages make this rarer.
"""

from collections.abc import Sequence
from typing import ClassVar

from ..codecs.base import Codec, Packet
from ..codecs.opus import OpusCodec
from ..description import Description
from ..options import OutputOptions
from .base import REPEATABLE_TAGS, TAGS, Finish, MuxerSpec
from .ogg_page import FIRST, OggAudio, OggStream
from .room import Room
from .vorbis_comment import comments

GAIN_TAGS = {name: range(-32768, 32768) for name in ("r128_track_gain", "r128_album_gain")}
"""Gain to reach -23 LUFS, in units of 1/256 dB. RFC 7845, section 5.2.1."""

PAGES_MS = (2.5, 2000)
PAGE_MS = 100


class OggOpusMuxer:
    """Writes pages of whole packets. Pre-skip and the last granule position give the exact length."""

    spec: ClassVar[MuxerSpec] = MuxerSpec(
        tags=(*TAGS, *GAIN_TAGS),
        repeatable_tags=REPEATABLE_TAGS,
        integer_tags=GAIN_TAGS,
        takes_pictures=True,
        takes_marker_urls=True,
        pages_ms=PAGES_MS,
        page_ms=PAGE_MS,
        joinable=True,
    )

    def __init__(self, output: OutputOptions, codec: Codec) -> None:
        assert isinstance(codec, OpusCodec)
        self._stream = OggStream(output.serial)
        self._codec_header = codec.header
        self._pre_skip = codec.pre_skip
        self._granules_per_sample = codec.granules_per_sample
        self._serial = output.serial
        self._room = Room(_tags, output.description, output.metadata_bytes)
        self._audio = OggAudio(self._stream, int(output.page_ms // output.opus_frame_ms), codec.granules_per_sample)

    @property
    def samples_out(self) -> int:
        return self._audio.samples_out

    def start(self) -> bytes:
        return self._head(self._stream)

    def describe(self, description: Description) -> None:
        self._room.replace(description)

    def write(self, packets: Sequence[Packet]) -> bytes:
        return self._audio.write(packets)

    def flush(self) -> bytes:
        return self._audio.flush()

    def finish(self, packets: Sequence[Packet], samples: int) -> Finish:
        end_granule = self._pre_skip + samples * self._granules_per_sample
        pages = self._audio.finish(packets, end_granule)
        padding = self.samples_out - end_granule // self._granules_per_sample
        header = self._head(OggStream(self._serial)) if self._room.changed else b""
        return Finish(header=header, trailer=pages, padding_samples=padding)

    def _head(self, stream: OggStream) -> bytes:
        stream.add(self._codec_header)
        head = stream.page(0, FIRST)
        # Zeros after the comments are padding. RFC 7845, section 5.2.
        stream.add(self._room.content + bytes(self._room.spare))
        return head + stream.page(0)


def _tags(description: Description) -> bytes:
    return b"OpusTags" + comments("audiowriter", description)
